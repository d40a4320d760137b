import type { Clock, EventBus, Logger } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

import { RedisEvents } from './contract.ts'

export interface Watchers {
  readonly log: Logger
  readonly events: EventBus
  readonly clock: Clock
}

/** ioredis says `Failed to refresh slots cache.`, and here why. */
type ClusterError = Error & { readonly lastNodeError?: Error }

const hollow = /^(Connection is closed\.|Stream isn't writeable)/

/** Tells of one connection's outages, once each: `starting` → `up` ⇄ `down`; `ended` is no outage. */
export class Outage {
  readonly #connection: string
  readonly #to: Watchers
  #state: 'starting' | 'up' | 'down' | 'ended' = 'starting'
  #downSince = 0
  #reason = 'the connection closed'
  #decide: () => void = () => {}
  /** Resolves when it is known for the first time whether Redis is there. */
  readonly decided = new Promise<void>((resolve) => (this.#decide = resolve))

  constructor(connection: string, client: Redis | Cluster, to: Watchers) {
    this.#connection = connection
    this.#to = to
    // An 'error' without a listener would end the process.
    client.on('error', (error: ClusterError) => this.#fail(error.lastNodeError ?? error))
    client.on('node error', this.blame)
    client.on('sentinelError', (error: Error) => this.blame(error))
    client.on('close', () => this.#close())
    client.on('ready', () => this.#ready())
    client.once('close', () => this.#decide()).once('ready', () => this.#decide())
  }

  get isUp(): boolean {
    return this.#state === 'up'
  }

  get reason(): string {
    return this.#reason
  }

  /** That there is no connection is no reason; why, an earlier error has said. */
  readonly blame = ({ message }: Error, node?: string): void => {
    if (hollow.test(message)) return
    this.#reason = node === undefined ? message : `${node}: ${message}`
  }

  end(): void {
    this.#state = 'ended'
  }

  /** While no Sentinel names a master there is no connection that could close. */
  #fail(error: Error): void {
    if (!error.message.startsWith('All sentinels are unreachable')) return this.blame(error)
    this.#decide()
    this.#close()
  }

  #close(): void {
    if (this.#state === 'down' || this.#state === 'ended') return
    this.#state = 'down'
    this.#downSince = this.#to.clock.monotonic()
    const facts = { connection: this.#connection, reason: this.#reason }
    this.#to.log.warn(facts, 'redis went down')
    this.#to.events.emit(RedisEvents, 'redis:went-down', facts)
  }

  #ready(): void {
    const wasDown = this.#state === 'down'
    this.#state = 'up'
    if (!wasDown) return
    const downMs = Math.round(this.#to.clock.monotonic() - this.#downSince)
    const facts = { connection: this.#connection, downMs }
    this.#to.log.info(facts, 'redis came back')
    this.#to.events.emit(RedisEvents, 'redis:came-back', facts)
    this.#to.events.emit(RedisEvents, 'redis:reconnected', { connection: this.#connection })
  }
}
