import type { PlanState } from './contract.ts'
import type { Limit } from './plans.ts'

/** The stretch of time that a limit is for. */
export interface Window {
  readonly start: Date
  readonly resetAt: string
}

/** Without a subscription a period is the calendar month. Renewals that we have not heard of have begun all the same. */
export function windowOf(
  per: Limit['per'],
  state: Pick<PlanState, 'active' | 'periodStart' | 'periodEnd'>,
  now: Date,
): Window {
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  if (per === 'day') return spanning(Date.UTC(year, month, day), Date.UTC(year, month, day + 1))
  const [start, end] = [Date.parse(state.periodStart ?? ''), Date.parse(state.periodEnd ?? '')]
  if (per === 'month' || !state.active || !(start < end)) {
    return spanning(Date.UTC(year, month), Date.UTC(year, month + 1))
  }
  const length = end - start
  const unheard = Math.max(0, Math.floor((now.getTime() - start) / length)) * length
  return spanning(start + unheard, end + unheard)
}

const spanning = (start: number, end: number): Window => ({
  start: new Date(start),
  resetAt: new Date(end).toISOString(),
})
