import type { Clock, EventBus, Logger } from 'autodocops'

import { Breaker } from './breaker.ts'
import { CacheEvents } from './contract.ts'

/** Redis refuses this one command; it is there, and other commands go on. */
const refusals =
  /^(OOM|READONLY|NOPERM|MISCONF|WRONGTYPE|NOAUTH|WRONGPASS|NOREPLICAS|EXECABORT|ERR)\b/

export interface Watchers {
  readonly log: Logger
  readonly events: EventBus
  readonly clock: Clock
}

/**
 * Whether Redis answers. Faults of the line and of the clock open the breaker; a refusal does not. One log line
 * for each outage and for each new kind of refusal, not for each request.
 */
export class Availability {
  readonly #to: Watchers
  readonly #breaker: Breaker
  readonly #onUp: () => void
  #downSince: number | undefined
  #refusal: string | undefined

  constructor(breakerMs: number, onUp: () => void, to: Watchers) {
    this.#to = to
    this.#onUp = onUp
    this.#breaker = new Breaker(breakerMs, to.clock)
  }

  get isUp(): boolean {
    return this.#breaker.isClosed
  }

  allows(): boolean {
    return this.#breaker.allows()
  }

  succeed(): void {
    if (this.#breaker.isClosed) return
    this.#breaker.succeed()
    this.#refusal = undefined
    const downMs = Math.round(this.#to.clock.monotonic() - (this.#downSince ?? 0))
    this.#to.log.info({ downMs }, 'the cache has Redis again')
    this.#to.events.emit(CacheEvents, 'cache:recovered', { downMs })
    this.#onUp()
  }

  fail(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    const code = refusals.exec(reason)?.[1]
    if (code !== undefined) return this.#refused(code, reason)
    const wasUp = this.#breaker.isClosed
    this.#breaker.fail()
    if (!wasUp) return
    this.#downSince = this.#to.clock.monotonic()
    this.#to.log.warn({ reason }, 'the cache goes on without Redis')
    this.#to.events.emit(CacheEvents, 'cache:degraded', { reason })
  }

  #refused(code: string, reason: string): void {
    // It answered: a probe of the breaker has its answer.
    this.succeed()
    if (this.#refusal === code) return
    this.#refusal = code
    this.#to.log.warn({ code, reason }, 'Redis refuses commands of the cache')
  }
}
