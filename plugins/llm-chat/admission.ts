/** What one user may do at the same time and in a minute. */
export interface RateLimits {
  readonly concurrent: number
  readonly requestsPerMinute: number
  readonly tokensPerMinute: number
}

export interface Lease {
  readonly owner: string
  readonly id: string
  /** Taken from the minute's tokens, corrected at the end. */
  readonly tokens: number
}

export type Admitted =
  | {
      readonly ok: true
      readonly remainingRequests: number
      readonly remainingTokens: number
      readonly resetMs: number
    }
  | {
      readonly ok: false
      readonly limit: 'concurrent' | 'requests' | 'tokens'
      readonly retryAfterMs: number
    }

export const leaseMs = 30_000
export const windowMs = 60_000

/**
 * Slots, requests and tokens of a user, over all instances. A slot is a lease: it ends by itself when its
 * instance dies. A minute begins with a user's first request in it. However a clock is set, neither lasts
 * longer than that once somebody asks. Never throws.
 */
export interface Admission {
  readonly take: (lease: Lease, limits: RateLimits) => Promise<Admitted>
  /** Of what still runs: one that got lost is there again. */
  readonly renew: (leases: readonly Lease[]) => Promise<void>
  readonly settle: (lease: Lease, actualTokens: number) => Promise<void>
}
