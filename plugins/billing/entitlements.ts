import type { Clock } from 'autodocops'
import type { CacheNamespace, CacheService } from 'autodocops/plugins/cache'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { Config } from './config.ts'
import type { PlanState } from './contract.ts'
import type { Catalogue, Plan } from './plans.ts'
import { rows } from './sql.ts'
import { subscriptionsOf } from './subscriptions.ts'
import type { SubscriptionRow } from './subscriptions.ts'

/** What is known of an owner, as it lies in the cache: facts only, so that time may pass over them. */
interface EntitlementSet {
  readonly subscriptions: readonly Held[]
  /** By Stripe Entitlements, besides those of the plan. */
  readonly features: readonly string[]
}

type Held = Readonly<Record<'plan' | 'status', string>> &
  Readonly<Record<'periodStart' | 'periodEnd' | 'trialEnd' | 'cancelAt', string | null>>

export interface Entitled {
  readonly state: PlanState
  readonly plan: Plan
  readonly features: readonly string[]
  /** The plan of a subscription that is, or can still be, paid for: to buy another would be to pay twice. */
  readonly standing: string | undefined
}

interface Needs {
  readonly database: DatabaseService
  readonly cache: CacheService | undefined
  readonly catalogue: Catalogue
  readonly config: Pick<Config, 'graceDays'>
  readonly clock: Clock
}

const day = 86_400_000

/** What an owner has: one read of our tables, kept for a minute and forgotten at every change. */
export class Entitlements {
  readonly #needs: Needs
  readonly #cached: CacheNamespace | undefined

  constructor(needs: Needs) {
    this.#needs = needs
    this.#cached = needs.cache?.namespace('billing', { ttl: '60s' })
  }

  async of(owner: string): Promise<Entitled> {
    const load = () => this.#load(owner)
    const set = await (this.#cached ? this.#cached.getOrSet(owner, load) : load())
    const best = this.#best(set.subscriptions)
    const state = best ? this.#stateOf(best) : noPlan
    const plan = this.#planOf(state)
    const standing = set.subscriptions.find(({ status }) => payable.includes(status))?.plan
    return { state: { ...state, plan: plan.id }, plan, features: set.features, standing }
  }

  async forget(owner: string): Promise<void> {
    await this.#cached?.remove(owner)
  }

  async #load(owner: string): Promise<EntitlementSet> {
    const { knex } = this.#needs.database
    const [held, features] = [await subscriptionsOf(knex, owner), await featuresOf(knex, owner)]
    return { subscriptions: held.map(heldOf), features: features.map(({ feature }) => feature) }
  }

  /** What is on beats what is off; then the greater plan, then the later end. */
  #best(held: readonly Held[]): Held | undefined {
    const rank = (one: Held) => this.#needs.catalogue.find(one.plan)?.rank ?? -1
    return held.toSorted(
      (a, b) =>
        Number(this.#isOn(b)) - Number(this.#isOn(a)) ||
        rank(b) - rank(a) ||
        (b.periodEnd ?? '').localeCompare(a.periodEnd ?? ''),
    )[0]
  }

  #isOn(held: Held): boolean {
    return held.status === 'active' || held.status === 'trialing' || this.#isInGrace(held)
  }

  /** A failed renewal has opened the new period already: the grace runs from its start. */
  #isInGrace({ status, periodStart }: Held): boolean {
    const since = Date.parse(periodStart ?? '')
    const { clock, config } = this.#needs
    return status === 'past_due' && clock.now() < since + config.graceDays * day
  }

  #stateOf(held: Held): PlanState {
    return {
      ...held,
      status: statusOf(held.status),
      active: this.#isOn(held),
      inGrace: this.#isInGrace(held),
    }
  }

  #planOf(state: PlanState): Plan {
    const { catalogue } = this.#needs
    return (state.active ? catalogue.find(state.plan) : undefined) ?? catalogue.free
  }
}

const payable = ['active', 'trialing', 'past_due', 'unpaid', 'paused']

const noPlan: PlanState = {
  plan: 'free',
  status: 'none',
  active: false,
  inGrace: false,
  periodStart: null,
  periodEnd: null,
  trialEnd: null,
  cancelAt: null,
}

const known = [
  'active',
  'trialing',
  'past_due',
  'unpaid',
  'canceled',
  'incomplete',
  'paused',
] as const

/** Stripe adds statuses; one that we do not know gives nothing. */
function statusOf(status: string): PlanState['status'] {
  if (status === 'incomplete_expired') return 'canceled'
  return known.find((name) => name === status) ?? 'incomplete'
}

const iso = (date: Date | null) => date?.toISOString() ?? null

const heldOf = (row: SubscriptionRow): Held => ({
  plan: row.plan,
  status: row.status,
  periodStart: iso(row.currentPeriodStart),
  periodEnd: iso(row.currentPeriodEnd),
  trialEnd: iso(row.trialEnd),
  cancelAt: iso(row.cancelAt),
})

const featuresOf = (db: DatabaseService['knex'], owner: string): Promise<{ feature: string }[]> =>
  rows(
    db,
    `select distinct feature from billing_entitlements e
     join billing_customers c on c.id = e.customer where c.owner = ?`,
    [owner],
  )
