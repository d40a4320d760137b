import { events, service } from 'autodocops'
import type { Principal } from 'autodocops'

/** The owner of a subscription: `principal.subject`. */
export type Owner = string

export interface PlanState {
  /** A plan of the config: `free`, `pro`, … */
  readonly plan: string
  readonly status:
    | 'none'
    | 'active'
    | 'trialing'
    | 'past_due'
    | 'unpaid'
    | 'canceled'
    | 'incomplete'
    | 'paused'
  readonly active: boolean
  /** Past due, and still on for the grace period. */
  readonly inGrace: boolean
  readonly periodStart: string | null
  readonly periodEnd: string | null
  readonly trialEnd: string | null
  readonly cancelAt: string | null
}

export type Reservation =
  | {
      readonly ok: true
      readonly id: string
      readonly remaining: number | null
      readonly resetAt: string | null
    }
  | { readonly ok: false; readonly remaining: number; readonly resetAt: string | null }

export interface MeterUsage {
  readonly used: number
  readonly reserved: number
  /** null: unlimited. */
  readonly limit: number | null
  readonly resetAt: string | null
}

/** Answered from our own tables and a cache, never from Stripe. */
export interface BillingService {
  readonly plan: (owner: Owner) => Promise<PlanState>
  readonly has: (owner: Owner, feature: string) => Promise<boolean>
  /** A plan's limit, such as `chat.tokens`; null is unlimited. */
  readonly limit: (owner: Owner, meter: string) => Promise<number | null>
  readonly usage: (owner: Owner, meter: string) => Promise<MeterUsage>
  /** Takes `amount` out of what is left, atomically; the same key again is the same reservation. */
  readonly reserve: (
    owner: Owner,
    meter: string,
    amount: number,
    options: { readonly key: string; readonly ttlMs: number },
  ) => Promise<Reservation>
  /** What was really used; once for each reservation, later calls change nothing. */
  readonly commit: (reservationId: string, actual: number) => Promise<void>
  readonly release: (reservationId: string) => Promise<void>
  /** Throws 402 `plan_required` or 429 `quota_exceeded` with Retry-After. */
  readonly guard: (
    principal: Principal,
    need: { readonly plan?: string; readonly feature?: string; readonly meter?: string },
  ) => Promise<void>
}

export const Billing = service('billing').of<BillingService>()

export const BillingEvents = events<{
  'billing:subscription-changed': {
    readonly owner: Owner
    readonly plan: string
    readonly status: string
  }
  'billing:invoice-paid': { readonly owner: Owner }
  'billing:entitlements-changed': { readonly owner: Owner }
  'billing:webhook-received': {
    readonly type: string
    readonly outcome:
      | 'processed'
      | 'duplicate'
      | 'ignored'
      | 'invalid_signature'
      | 'stale'
      | 'failed'
    readonly durationMs: number
    readonly lagMs: number | undefined
  }
  'billing:checkout-finished': {
    readonly plan: string
    readonly outcome: 'created' | 'completed' | 'failed'
  }
  'billing:drift-found': {
    readonly kind: 'event' | 'subscription'
    readonly count: number
  }
  'billing:stripe-called': {
    readonly operation: string
    readonly outcome: 'ok' | 'error' | 'timeout'
    readonly durationMs: number
  }
}>('billing')
