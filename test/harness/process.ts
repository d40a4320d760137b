import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { adopt, adoptFolder, end, exited, signalTo } from './ending.ts'
import { isCompiled, isDeno, root } from './root.ts'

export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Text of a whole manifest; without it the built-in one is used. */
  readonly manifest?: string
  /** Further words after `start --json`. */
  readonly args?: readonly string[]
  /** A folder of an earlier server, to start again on its data. */
  readonly home?: string
  readonly withinMs?: number
}

export interface Ended {
  readonly code: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** How our command line is run: as this test file itself is run. */
export function command(args: readonly string[]): readonly [string, readonly string[]] {
  if (isCompiled) return [process.execPath, [join(root, 'dist/core/cli/main.js'), ...args]]
  const main = join(root, 'core/cli/main.ts')
  if (isDeno) return [process.execPath, ['run', '-A', '--conditions=source', main, ...args]]
  return [process.execPath, ['--conditions=source', main, ...args]]
}

/** Of the environment only what a program needs to run: no DATABASE_URL or key of the person at the keyboard. */
export const inherited = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['PATH', 'HOME', 'TMPDIR', 'DENO_DIR', 'TZ', 'LANG'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )

const ownPorts = { PORT: '0', OPERATIONS_ADDRESS: '127.0.0.1:0' }

/** One process of the command line, its output read as it comes. */
class Running {
  readonly child: ChildProcess
  readonly home: string
  /** Resolves when the last of the output has been read. */
  readonly #closed: Promise<void>
  stdout = ''
  stderr = ''

  constructor(args: readonly string[], { env = {}, manifest, home }: ServerOptions) {
    this.home = home ?? adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-')))
    const given = manifest === undefined ? {} : { AUTODOCOPS_MANIFEST: this.#write(manifest) }
    const dataDir = { DATA_DIR: join(this.home, 'data') }
    const [program, words] = command(args)
    this.child = adopt(
      spawn(program, words, {
        cwd: this.home,
        env: { ...inherited(), ...ownPorts, ...dataDir, ...given, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
    this.#closed = new Promise((resolve) => this.child.once('close', () => resolve()))
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
  }

  #write(manifest: string): string {
    const file = join(this.home, 'manifest.yaml')
    writeFileSync(file, manifest)
    return file
  }

  /** Does not keep the tests alive; they stop it, or it is killed with them. */
  unref(): void {
    for (const pipe of this.#pipes) pipe.unref()
  }

  get #pipes(): readonly Socket[] {
    return [this.child.stdout, this.child.stderr].filter((pipe) => pipe instanceof Socket)
  }

  async ended(): Promise<Ended> {
    for (const pipe of this.#pipes) pipe.ref()
    const code = await exited(this.child)
    await this.#closed
    return { code, stdout: this.stdout, stderr: this.stderr }
  }
}

/** Runs one verb to its end: `await run(['check', '--json'])`. */
export const run = (args: readonly string[], options: ServerOptions = {}): Promise<Ended> =>
  new Running(args, options).ended()

/** A real server process of ours, on ports and data of its own. */
export class ServerProcess {
  /** `http://127.0.0.1:…` of the public listener, without a slash at the end. */
  readonly url: string
  readonly operationsUrl: string
  readonly #running: Running

  constructor(running: Running, url: string, operationsUrl: string) {
    this.#running = running
    this.url = url
    this.operationsUrl = operationsUrl
  }

  /** The folder that it runs in; the data are in `data`. */
  get home(): string {
    return this.#running.home
  }
  get pid(): number {
    return this.#running.child.pid ?? 0
  }
  /** What it logged so far. */
  get output(): string {
    return this.#running.stderr
  }

  signal(signal: NodeJS.Signals): void {
    signalTo(this.#running.child, signal)
  }

  /** Sends the signal and waits; resolves to the exit code, or to the signal that ended it. */
  stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 30_000) {
    return end(this.#running.child, signal, graceMs)
  }

  ended(): Promise<Ended> {
    return this.#running.ended()
  }
}

/** Starts it and waits for its one line of JSON with the real addresses. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const running = new Running(['start', '--json', ...(options.args ?? [])], options)
  const line = await firstLine(running, options.withinMs ?? 90_000)
  const { public: url, operations } = JSON.parse(line) as { public?: string; operations: string }
  if (url !== undefined) {
    running.unref()
    return new ServerProcess(running, url, operations)
  }
  const { code, stdout } = await running.ended() // it told the faults of its manifest
  throw new Error(`the server ended with ${code}:\n${stdout}`)
}

function firstLine(running: Running, withinMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      signalTo(running.child, 'SIGKILL')
      reject(new Error(`the server ${why}:\n${running.stderr}`))
    }
    const timer = setTimeout(() => fail(`said nothing within ${withinMs} ms`), withinMs)
    running.child.stdout?.on('data', () => {
      const stop = running.stdout.indexOf('\n')
      if (stop < 0) return
      clearTimeout(timer)
      resolve(running.stdout.slice(0, stop))
    })
    running.child.once('exit', (code, signal) => {
      clearTimeout(timer)
      fail(`ended with ${code ?? signal}`)
    })
  })
}
