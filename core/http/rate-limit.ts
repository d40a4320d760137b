import type { Principal } from '../principal.ts'
import type { LimitDecision, Limiter } from '../slots.ts'
import { HttpErrors } from './errors.ts'
import type { Exchange } from './exchange.ts'

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1_000))

/** Takes one from the caller's budget. The headers are those of draft-ietf-httpapi-ratelimit-headers-11. */
export async function takeFromBudget(
  limiter: Limiter,
  limit: string,
  exchange: Exchange,
  principal: Principal | undefined,
): Promise<void> {
  const decision = await limiter.take({ limit, principal, ip: exchange.ip })
  // A window of 60 s that has just begun may end in 60,000.000001 ms, by a clock that counts in fractions.
  const resetMs = Math.min(decision.resetMs, decision.windowMs)
  exchange.extraHeaders.push(...budgetHeaders(limit, { ...decision, resetMs }))
  if (decision.allowed) return
  const wait = seconds(resetMs)
  throw HttpErrors.rate_limited({ seconds: wait }, { headers: { 'Retry-After': String(wait) } })
}

function budgetHeaders(name: string, decision: LimitDecision): readonly string[] {
  const { limit, remaining, resetMs, windowMs } = decision
  return [
    'RateLimit-Policy',
    `"${name}";q=${limit};w=${seconds(windowMs)}`,
    'RateLimit',
    `"${name}";r=${Math.max(0, Math.floor(remaining))};t=${Math.max(0, Math.ceil(resetMs / 1_000))}`,
  ]
}
