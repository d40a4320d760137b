import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock } from 'autodocops'

/** So many reads a second, and as many at once after a rest: thin events would reach Stripe's own limit quickly. */
export class ReadBudget {
  readonly #perSecond: number
  readonly #clock: Clock
  /** When the next read would be due if every one so far had waited its turn. */
  #nextAt = 0

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
  }

  async take(signal?: AbortSignal): Promise<void> {
    const now = this.#clock.monotonic()
    this.#nextAt = Math.max(this.#nextAt, now - 1_000) + 1_000 / this.#perSecond
    const waitMs = this.#nextAt - now
    if (waitMs > 0) await sleep(waitMs, undefined, signal && { signal })
  }
}
