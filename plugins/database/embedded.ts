import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Worker } from 'node:worker_threads'

import type { Logger, ServerFacts } from 'autodocops'

import { answers, ownerOf, socketIn } from './claim.ts'
import type { DatabaseConfig } from './config.ts'
import { denoFault } from './deno-sockets.ts'
import { DatabaseErrors } from './errors.ts'
import { backupRequest } from './frames.ts'

export interface WorkerOrder {
  readonly directory: string
  /** The folder inside it that Postgres calls its data directory. */
  readonly folder: string
  readonly owner: string
  /** A backup to fill a new folder with. */
  readonly copy: string | undefined
}

export type WorkerReport =
  | { readonly kind: 'opening'; readonly isNew: boolean }
  | { readonly kind: 'ready' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'failed'; readonly inUse: boolean; readonly reason: string }

export type WorkerRequest = 'stop' | 'ping'

const longestSocketPath = 100
const stopMs = 5_000

interface EmbeddedNeeds {
  readonly config: DatabaseConfig
  readonly log: Logger
  readonly server: Pick<ServerFacts, 'dataDir' | 'role'>
}

/**
 * The embedded database: a worker thread with PGlite behind a Unix socket. Closed → opening → open; back to
 * closed when the worker ends, for whatever reason, and opened again by the next connection.
 *
 * When somebody else's socket answers, a CLI verb uses it, and so does the successor of an instance of this
 * very process in a reload: it opens the folder itself as soon as the old one has let it go.
 */
export class Embedded {
  readonly directory: string
  /** As the config spells it. */
  readonly shownDirectory: string
  readonly #log: Logger
  readonly #role: ServerFacts['role']
  /** Names this process: the same for all its instances, unlike a pid also in containers. */
  readonly #owner = `${String(process.pid)}-${String(performance.timeOrigin)}`
  #worker: Worker | undefined
  #opening: Promise<void> | undefined
  #isOpen = false
  #isStopped = false
  /** PGlite cannot cancel a statement, and one holds up everybody: twice its deadline is enough. */
  readonly #silenceMs: number

  constructor({ config, log, server }: EmbeddedNeeds) {
    this.#silenceMs = 2 * config.deadlines.statement
    this.shownDirectory = `${server.dataDir}/pglite`
    this.directory = resolve(this.shownDirectory)
    this.#log = log
    this.#role = server.role
  }

  get isOurs(): boolean {
    return this.#worker !== undefined
  }

  /** Resolves when a connection to the socket will be served. */
  async ready(): Promise<void> {
    const worker = this.#worker
    if (worker !== undefined && this.#isOpen && !(await answersPing(worker, this.#silenceMs))) {
      this.#log.error('the embedded database is stuck in a statement; it is opened anew')
      await worker.terminate()
    }
    if (this.#isStopped) throw new Error('Connection terminated: the embedded database is stopped')
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    await this.#opening
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#close()
  }

  /** A consistent copy of the folder while it is in use, made by whoever has it open. */
  async backup(file: string): Promise<number> {
    await this.ready()
    const socket = connect(socketIn(this.directory))
    const request = Buffer.alloc(8)
    request.writeInt32BE(8)
    request.writeInt32BE(backupRequest, 4)
    socket.write(request)
    await pipeline(socket, createWriteStream(file, { mode: 0o600 }))
    return statSync(file).size
  }

  /** Puts a backup in the place of the data, which stays beside it under the name that this returns. */
  async restore(file: string, step: (line: string) => void): Promise<string> {
    step('closing the embedded database')
    await this.#close()
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
    const [fresh, data] = [`data.restored-${stamp}`, join(this.directory, 'data')]
    step(`unpacking ${file} beside it`)
    await this.#unpack(fresh, file)
    await this.#close()
    step('putting it in its place, and opening it')
    const before = `${data}.before-${stamp}`
    renameSync(data, before)
    renameSync(join(this.directory, fresh), data)
    await this.ready()
    return before
  }

  async #unpack(folder: string, file: string): Promise<void> {
    try {
      await this.#start({ folder, copy: resolve(file) })
    } catch (error) {
      await this.#close()
      for (const left of [folder, `${folder}.making`]) {
        rmSync(join(this.directory, left), { recursive: true, force: true })
      }
      throw error
    }
  }

  async #open(): Promise<void> {
    const path = socketIn(this.directory)
    const bytes = Buffer.byteLength(path)
    if (bytes > longestSocketPath) throw DatabaseErrors.database_path_too_long({ path, bytes })
    if (await answers(path)) return this.#share()
    if (this.#role === 'examine') throw DatabaseErrors.database_not_open()
    await this.#start({ folder: 'data', copy: undefined })
  }

  #share(): void {
    const isOwn = ownerOf(this.directory) === this.#owner
    if (this.#role === 'serve' && !isOwn) {
      throw DatabaseErrors.database_in_use({ directory: this.directory })
    }
    // Asked again before every connection: the other one may be gone by then.
    this.#opening = undefined
  }

  async #start(what: Pick<WorkerOrder, 'folder' | 'copy'>): Promise<void> {
    const begun = performance.now()
    const fault = denoFault()
    if (fault !== undefined) this.#log.warn(fault)
    const file = new URL(`./pglite-worker${extname(import.meta.url)}`, import.meta.url)
    const order: WorkerOrder = { directory: this.directory, owner: this.#owner, ...what }
    const worker = new Worker(file, { workerData: order })
    this.#worker = worker
    worker.once('exit', () => this.#ended(worker))
    await this.#opened(worker, what.copy)
    this.#isOpen = true
    this.#log.info({ durationMs: Math.round(performance.now() - begun) }, 'embedded database open')
  }

  #opened(worker: Worker, copy: string | undefined): Promise<void> {
    return new Promise((done, failed) => {
      const fail = (reason: string) => failed(unopenable(this.directory, copy, reason))
      worker.on('message', (report: WorkerReport) => {
        if (report.kind === 'ready') return done()
        if (report.kind === 'opening') return this.#tell(report.isNew)
        if (report.kind === 'pong') return
        if (!report.inUse) return fail(report.reason)
        failed(DatabaseErrors.database_in_use({ directory: this.directory }))
      })
      worker.on('error', (error) => {
        this.#log.error({ err: error }, 'the embedded database failed')
        fail(error.message)
      })
      worker.on('exit', (code) => fail(`its worker ended with code ${String(code)}`))
    })
  }

  /** One that does not end by itself is ended as by kill -9, which loses nothing that was acknowledged. */
  async #close(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise((done) => worker.once('exit', done))
    const impatient = setTimeout(() => void worker.terminate(), stopMs)
    worker.postMessage('stop' satisfies WorkerRequest)
    await ended
    clearTimeout(impatient)
  }

  #tell(isNew: boolean): void {
    if (isNew) this.#log.info('creating the embedded database, about six seconds')
  }

  #ended(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#opening = undefined
    this.#isOpen = false
  }
}

/** What the system refuses is mended there, not by a backup. */
function unopenable(directory: string, copy: string | undefined, reason: string): Error {
  const isRefused = /^E[A-Z]+: /.test(reason)
  if (copy !== undefined && !isRefused) {
    return DatabaseErrors.backup_unreadable({ file: copy, reason })
  }
  const hint = 'Name a folder with room that this user may write by DATA_DIR.'
  return DatabaseErrors.database_unopenable({ directory, reason }, isRefused ? { hint } : {})
}

const answersPing = (worker: Worker, silenceMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const end = (alive: boolean) => {
      clearTimeout(timer)
      worker.off('message', heard).off('exit', ended)
      resolve(alive)
    }
    const ended = () => end(true)
    const heard = (report: WorkerReport) => {
      if (report.kind === 'pong') end(true)
    }
    const timer = setTimeout(() => end(false), silenceMs)
    worker.on('message', heard).on('exit', ended)
    worker.postMessage('ping' satisfies WorkerRequest)
  })
