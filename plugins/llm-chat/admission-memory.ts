import type { Clock } from 'autodocops'

import { leaseMs, windowMs } from './admission.ts'
import type { Admission, Admitted, Lease, RateLimits } from './admission.ts'

interface User {
  windowEnd: number
  requests: number
  tokens: number
  /** Lease id → its end. */
  readonly leases: Map<string, number>
}

/** For one instance alone. */
export class MemoryAdmission implements Admission {
  readonly #clock: Clock
  readonly #users = new Map<string, User>()

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock
  }

  async take(lease: Lease, limits: RateLimits): Promise<Admitted> {
    const now = this.#clock.monotonic()
    const user = this.#user(lease.owner, now)
    if (user.windowEnd <= now)
      Object.assign(user, { windowEnd: now + windowMs, requests: 0, tokens: 0 })
    const resetMs = user.windowEnd - now
    if (user.leases.size >= limits.concurrent)
      return { ok: false, limit: 'concurrent', retryAfterMs: 1_000 }
    if (user.requests + 1 > limits.requestsPerMinute)
      return { ok: false, limit: 'requests', retryAfterMs: resetMs }
    if (user.tokens + lease.tokens > limits.tokensPerMinute)
      return { ok: false, limit: 'tokens', retryAfterMs: resetMs }
    user.requests += 1
    user.tokens += lease.tokens
    user.leases.set(lease.id, now + leaseMs)
    const remainingRequests = limits.requestsPerMinute - user.requests
    return {
      ok: true,
      remainingRequests,
      remainingTokens: limits.tokensPerMinute - user.tokens,
      resetMs,
    }
  }

  async renew(leases: readonly Lease[]): Promise<void> {
    const now = this.#clock.monotonic()
    for (const { owner, id } of leases) this.#user(owner, now).leases.set(id, now + leaseMs)
    this.#sweep(now)
  }

  async settle(lease: Lease, actualTokens: number): Promise<void> {
    const user = this.#users.get(lease.owner)
    if (!user?.leases.delete(lease.id)) return
    user.tokens = Math.max(0, user.tokens - lease.tokens + actualTokens)
  }

  /** All of the user's slots are taken. */
  isFull(owner: string, concurrent: number): boolean {
    return this.#user(owner, this.#clock.monotonic()).leases.size >= concurrent
  }

  #user(owner: string, now: number): User {
    const user = this.#users.get(owner) ?? {
      windowEnd: 0,
      requests: 0,
      tokens: 0,
      leases: new Map<string, number>(),
    }
    this.#users.set(owner, user)
    for (const [id, end] of user.leases) if (end <= now) user.leases.delete(id)
    return user
  }

  /** Users who have nothing running and no minute open are forgotten. */
  #sweep(now: number): void {
    for (const [owner, user] of this.#users) {
      const isIdle = [...user.leases.values()].every((end) => end <= now)
      if (isIdle && user.windowEnd <= now) this.#users.delete(owner)
    }
  }
}
