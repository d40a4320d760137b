import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { atEnd } from './ending.ts'

/**
 * What the network does to a connection:
 * - `pass`: carries both ways
 * - `refuse`: resets a new connection at once, and the open ones
 * - `blackHole`: accepts and swallows, never reaches the target
 * - `stall`: open connections stay open and carry nothing more; it goes on where it stopped
 */
export const modes = ['pass', 'refuse', 'blackHole', 'stall'] as const
export type Mode = (typeof modes)[number]

export interface Fault {
  readonly mode: Mode
  /** Each chunk waits that long, in each direction. */
  readonly latencyMs: number
  /** A connection is reset after it has carried that many bytes; 0 is never. */
  readonly resetAfterBytes: number
}

const none: Fault = { mode: 'pass', latencyMs: 0, resetAfterBytes: 0 }

/** A TCP proxy on the loopback that can be told to misbehave while clients use it. */
export class FaultProxy {
  readonly #target: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #waiting = new Set<() => void>()
  #fault = none
  #accepted = 0

  private constructor(targetPort: number) {
    this.#target = targetPort
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  /** Stands in front of a port of 127.0.0.1; it is closed with the file's tests. */
  static async before(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    proxy.#server.unref()
    atEnd(() => proxy.close())
    return proxy
  }

  get port(): number {
    const address: string | AddressInfo | null = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** How many connections were accepted so far, refused ones included. */
  get accepted(): number {
    return this.#accepted
  }

  /** Replaces the fault; what is not named is as without a fault. */
  set(fault: Partial<Fault>): void {
    this.#fault = { ...none, ...fault }
    if (this.#fault.mode === 'refuse') this.cut()
    if (this.#fault.mode !== 'stall') this.#release()
  }

  heal(): void {
    this.set(none)
  }

  /** Resets every open connection, as a rebooted router does. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket)
    this.#release()
  }

  /** Off and on, `times` over; healed when it resolves. */
  async flap(times: number, halfPeriodMs: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      this.set({ mode: 'refuse' })
      await sleep(halfPeriodMs)
      this.heal()
      await sleep(halfPeriodMs)
    }
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    this.#accepted++
    this.#track(client)
    if (this.#fault.mode === 'refuse') return reset(client)
    if (this.#fault.mode === 'blackHole')
      return void client.resume().once('end', () => client.destroy())
    const target = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true })
    this.#track(target)
    client.once('close', () => target.destroy())
    target.once('close', () => client.destroy())
    void Promise.all([this.#carry(client, target), this.#carry(target, client)])
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket.unref())
    // An error is followed by 'close', which takes the other side down with it.
    socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket))
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    let carried = 0
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        carried += chunk.length
        await this.#obey(from, carried)
        if (to.destroyed) return
        if (!to.write(chunk)) await drained(to)
      }
      to.end()
    } catch {
      to.destroy() // the other side was cut: that is what this proxy is for
    }
  }

  /** Holds a chunk back for as long as the fault wants it. */
  async #obey(from: Socket, carried: number): Promise<void> {
    const { latencyMs, resetAfterBytes } = this.#fault
    if (resetAfterBytes > 0 && carried > resetAfterBytes) reset(from)
    if (latencyMs > 0) await sleep(latencyMs)
    while (this.#fault.mode === 'stall' || this.#fault.mode === 'blackHole') {
      if (from.destroyed) return
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #release(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resolve of waiting) resolve()
  }
}

/**
 * RST rather than FIN, where it can be sent. Not once a shutdown has begun: there libuv refuses the reset,
 * Node counts the handle as closing all the same, and the process spins for ever at its end.
 */
function reset(socket: Socket): void {
  if (socket.connecting || socket.writableEnded) socket.destroy()
  else if (!socket.destroyed) socket.resetAndDestroy()
}

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('drain', resolve).once('close', resolve)
  })
