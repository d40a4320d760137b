import { setTimeout as sleep } from 'node:timers/promises'

import type { Generation } from './generation.ts'
import { HostErrors } from './host-errors.ts'
import { Listener } from './http/listener.ts'
import { messageOf } from './instance.ts'
import type { Logger } from './log.ts'
import type { Address, ServerConfig } from './manifest/server-config.ts'

const closeIdleEveryMs = 100

interface Door {
  readonly wanted: string
  readonly listener: Listener
}

export interface DrainOptions {
  readonly drainMs: number
  /** From the end of the drain to the end of the last stream. */
  readonly lastWordsMs: number
  readonly endStreams: () => void
}

/**
 * The public and the operations listener. They belong to no generation: an address that stays keeps its
 * sockets, a new one is opened before the old one closes, and if it cannot be opened nothing has changed.
 */
export class Listeners {
  readonly #log: Logger
  readonly #leaving: Listener[] = []
  #public: Door | undefined
  #operations: Door | undefined
  #shutdownDelayMs = 0

  constructor(log: Logger) {
    this.#log = log
  }

  /** Resolves to what takes it back, as long as `use` was not called. */
  async open(server: ServerConfig): Promise<() => Promise<void>> {
    const [front, back] = [this.#public, this.#operations]
    const nextFront = await this.#door(front, server, server)
    const nextBack = await this.#door(back, server.operations, server).catch(
      async (error: unknown) => {
        if (nextFront !== front) await nextFront.listener.stopAccepting()
        throw error
      },
    )
    this.#public = nextFront
    this.#operations = nextBack
    if (front !== undefined && front !== nextFront) this.#leaving.push(front.listener)
    if (back !== undefined && back !== nextBack) this.#leaving.push(back.listener)
    return async () => {
      this.#leaving.length = 0
      this.#public = front
      this.#operations = back
      if (nextFront !== front) await nextFront.listener.stopAccepting()
      if (nextBack !== back) await nextBack.listener.stopAccepting()
    }
  }

  /** The swap. What was replaced takes no new connections; requests on those that it has go to the new generation. */
  use(generation: Generation): void {
    const { limits, shutdownDelayMs } = generation.plan.server
    this.#shutdownDelayMs = shutdownDelayMs
    this.#public?.listener.use(generation.public)
    this.#operations?.listener.use(generation.operations)
    for (const { listener } of this.#doors) listener.configure(limits)
    for (const listener of this.#leaving.splice(0)) {
      listener.use(generation.public)
      void closeGently(listener) // ends with its last connection
    }
  }

  get inFlight(): number {
    return this.#public?.listener.inFlight ?? 0
  }

  get addresses(): { readonly public: string; readonly operations: string } {
    return { public: urlOf(this.#public), operations: urlOf(this.#operations) }
  }

  /** A balancer that has not yet seen readiness go still sends requests: first they are answered as before. */
  async drain({ drainMs, lastWordsMs, endStreams }: DrainOptions): Promise<void> {
    const listener = this.#public?.listener
    if (listener === undefined) return
    if (this.#shutdownDelayMs > 0) await sleep(this.#shutdownDelayMs, undefined, { ref: false })
    const closed = closeGently(listener)
    await Promise.race([closed, sleep(drainMs, undefined, { ref: false })])
    endStreams()
    await Promise.race([closed, sleep(lastWordsMs, undefined, { ref: false })])
    listener.closeAll()
  }

  /** At once, whatever goes on. */
  async destroy(): Promise<void> {
    const doors = this.#doors
    const closed = doors.map(({ listener }) => listener.stopAccepting())
    for (const { listener } of doors) listener.closeAll()
    await Promise.all(closed)
    this.#public = undefined
    this.#operations = undefined
  }

  get #doors(): readonly Door[] {
    return [this.#public, this.#operations].flatMap((door) => door ?? [])
  }

  async #door(known: Door | undefined, at: Address, { limits }: ServerConfig): Promise<Door> {
    const wanted = `${at.host} ${at.port}`
    if (known?.wanted === wanted) return known
    const listener = new Listener(limits, this.#log)
    try {
      await listener.listen({ host: at.host, port: at.port })
      return { wanted, listener }
    } catch (error) {
      const address = `${at.host}:${at.port}`
      throw HostErrors.listen_failed({ address, reason: messageOf(error) }, { cause: error })
    }
  }
}

async function closeGently(listener: Listener): Promise<void> {
  const closing = setInterval(() => listener.closeIdle(), closeIdleEveryMs)
  const closed = listener.stopAccepting()
  listener.closeIdle()
  await closed
  clearInterval(closing)
}

/** As a client on this machine would write it. */
function urlOf(door: Door | undefined): string {
  if (door === undefined) return ''
  const { address, port, family } = door.listener.address
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`
}
