import type { Config, PlanConfig } from './config.ts'
import type { ItemFacts } from './subscription-shape.ts'

export interface Limit {
  /** null: unlimited. */
  readonly amount: number | null
  readonly per: 'period' | 'month' | 'day'
}

export interface Plan {
  readonly id: string
  /** Its place in the config: a later plan is more. */
  readonly rank: number
  readonly prices: readonly string[]
  readonly lookupKeys: readonly string[]
  readonly products: readonly string[]
  readonly features: Readonly<Record<string, boolean>>
  readonly limits: Readonly<Record<string, Limit>>
}

/** What a subscription means whose price nobody named: kept, shown, and worth no more than `free`. */
export const unknownPlan = 'unknown'

/** Limits of the plans that the default manifest has, for whoever does not write any. */
const builtInLimits: Readonly<Record<string, Readonly<Record<string, Limit>>>> = {
  free: { 'chat.tokens': { amount: 100_000, per: 'month' } },
  pro: { 'chat.tokens': { amount: 2_000_000, per: 'period' } },
}

const nothing: PlanConfig = {
  prices: [],
  lookupKeys: [],
  products: [],
  features: {},
  limits: undefined,
}

/** The price that FakeStripe makes for a plan without one. */
export const fakePrice = (plan: string) => `price_fake_${plan.replaceAll('-', '_')}`

/** The plans of the config, `free` first. */
export class Catalogue {
  readonly plans: readonly Plan[]

  constructor(config: Pick<Config, 'plans'>, isFake: boolean) {
    const named = Object.entries({ free: nothing, ...config.plans })
    this.plans = named.map(([id, plan], rank) => ({
      ...plan,
      id,
      rank,
      prices: isFake && id !== 'free' && plan.prices.length === 0 ? [fakePrice(id)] : plan.prices,
      limits: plan.limits ?? builtInLimits[id] ?? {},
    }))
  }

  /** What everybody has. */
  get free(): Plan {
    return this.find('free') ?? { ...nothing, id: 'free', rank: 0, limits: {} }
  }

  find(id: string): Plan | undefined {
    return this.plans.find((plan) => plan.id === id)
  }

  /** With something that Stripe can sell. */
  forSale(id: string): Plan | undefined {
    const plan = this.find(id)
    return plan && plan.prices.length + plan.lookupKeys.length > 0 ? plan : undefined
  }

  /** The greatest plan that any of the items means: by price, then lookup key, then product. */
  planOf(items: readonly ItemFacts[]): string {
    const found = items.map((item) => this.#planOfItem(item)).filter((plan) => plan !== undefined)
    return found.toSorted((a, b) => b.rank - a.rank)[0]?.id ?? unknownPlan
  }

  #planOfItem({ price, lookupKey, product }: ItemFacts): Plan | undefined {
    const has = (names: readonly string[], name: string | null) =>
      name !== null && names.includes(name)
    return (
      this.plans.find((plan) => has(plan.prices, price)) ??
      this.plans.find((plan) => has(plan.lookupKeys, lookupKey)) ??
      this.plans.find((plan) => has(plan.products, product))
    )
  }
}
