import type { PGlite } from '@electric-sql/pglite'
import type { Socket } from 'node:net'

import { Frames } from './frames.ts'
import type { Frame } from './frames.ts'

interface Round {
  readonly socket: Socket
  readonly run: () => Promise<void>
}

/**
 * Serves the one session of a PGlite to several connections, a whole round (up to Sync) at a time.
 * pglite-socket 0.2.17 takes turns message by message: two connections at once bind each other's statements.
 *
 * A connection that has a transaction open owns the session until it ends. It loses it when it leaves, or
 * says nothing for `idleMs`: PGlite's own idle_in_transaction_session_timeout spins for ever.
 * A PGlite that throws is beyond repair: the rejection ends the worker, and the next query opens another.
 */
export class PgliteServer {
  readonly #db: PGlite
  readonly #idleMs: number
  readonly #sockets = new Set<Socket>()
  #rounds: Round[] = []
  #owner: Socket | undefined
  #running: Promise<void> | undefined
  #isRunning = false
  #isClosed = false

  constructor(db: PGlite, idleMs: number) {
    this.#db = db
    this.#idleMs = idleMs
  }

  readonly accept = (socket: Socket): void => {
    const frames = new Frames()
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('timeout', () => socket.destroy())
    socket.on('close', () => this.#left(socket))
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of frames.push(chunk)) this.#received(socket, frame)
      } catch {
        socket.destroy() // no Postgres client
      }
    })
  }

  /** Ends the connections, and waits for the round that runs; none comes after it. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroy()
    await this.#running
  }

  #received(socket: Socket, frame: Frame): void {
    if (frame.kind === 'tls') socket.write('N')
    if (frame.kind === 'cancel') socket.destroy() // there is no second process that could cancel
    if (frame.kind === 'end') socket.end()
    if (frame.kind === 'backup') this.#add({ socket, run: () => this.#backup(socket) })
    if (frame.kind !== 'run') return
    // A copy: PGlite gets memory that nobody else writes to.
    const bytes = new Uint8Array(frame.bytes)
    this.#add({ socket, run: () => this.#query(socket, bytes) })
  }

  #left(socket: Socket): void {
    this.#sockets.delete(socket)
    this.#rounds = this.#rounds.filter((round) => round.socket !== socket)
    this.#wake()
  }

  #add(round: Round): void {
    this.#rounds.push(round)
    this.#wake()
  }

  #wake(): void {
    if (!this.#isRunning) this.#running = this.#run()
  }

  /** In one step from seeing no round to not running: on Deno data comes between two microtasks. */
  async #run(): Promise<void> {
    this.#isRunning = true
    for (let round = this.#next(); round !== undefined; round = this.#next()) {
      const { socket } = round
      await round.run()
      this.#owner = this.#db.isInTransaction() ? socket : undefined
      socket.setTimeout(this.#owner === undefined ? 0 : this.#idleMs)
    }
    this.#isRunning = false
  }

  #next(): Round | undefined {
    if (this.#isClosed) return undefined
    const owner = this.#owner
    if (owner === undefined) return this.#rounds.shift()
    if (owner.destroyed) return { socket: owner, run: () => this.#query(owner, rollback) }
    const index = this.#rounds.findIndex((round) => round.socket === owner)
    return index === -1 ? undefined : this.#rounds.splice(index, 1)[0]
  }

  async #query(socket: Socket, bytes: Uint8Array): Promise<void> {
    const answer = (data: Uint8Array) => {
      if (socket.writable) socket.write(Buffer.from(data))
    }
    await this.#db.execProtocolRawStream(bytes, { onRawData: answer })
  }

  async #backup(socket: Socket): Promise<void> {
    const copy = await this.#db.dumpDataDir('gzip')
    socket.end(Buffer.from(await copy.arrayBuffer()))
  }
}

const rollback = simpleQuery('ROLLBACK')

function simpleQuery(sql: string): Uint8Array {
  const message = Buffer.alloc(sql.length + 6)
  message.write('Q')
  message.writeInt32BE(sql.length + 5, 1)
  message.write(sql, 5)
  return message
}
