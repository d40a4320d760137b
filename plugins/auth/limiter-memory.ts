import type { Clock, LimitDecision } from 'autodocops'
import { LRUCache } from 'lru-cache'

import type { Count } from './count.ts'

interface Window {
  readonly endsAt: number
  taken: number
}

/**
 * The counts of this process. Not RateLimiterMemory: that one answers by a promise, starts a timer for each
 * address and keeps as many as there are; this one decides at once and forgets the oldest of 100,000.
 */
export class MemoryCounter {
  readonly #windows = new LRUCache<string, Window>({
    maxSize: 100_000, // not `max`, which would allocate all of them now
    sizeCalculation: () => 1,
  })
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  take({ key, limit, windowMs }: Count): LimitDecision {
    const now = this.#clock.monotonic()
    const window = this.#windowOf(key, now, windowMs)
    window.taken += 1
    const remaining = Math.max(0, limit - window.taken)
    return {
      allowed: window.taken <= limit,
      limit,
      remaining,
      resetMs: window.endsAt - now,
      windowMs,
    }
  }

  #windowOf(key: string, now: number, windowMs: number): Window {
    const open = this.#windows.get(key)
    if (open !== undefined && now < open.endsAt) return open
    const window = { endsAt: now + windowMs, taken: 0 }
    this.#windows.set(key, window)
    return window
  }
}
