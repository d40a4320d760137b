import type { Principal } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import type { BillingService, MeterUsage, Owner, PlanState, Reservation } from './contract.ts'
import { databaseTime } from './cursors.ts'
import type { Entitled, Entitlements } from './entitlements.ts'
import { E, retryAfter } from './errors.ts'
import type { Catalogue } from './plans.ts'
import type { Usage } from './usage.ts'

interface Needs {
  readonly entitlements: Entitlements
  readonly usage: Usage
  readonly catalogue: Catalogue
  readonly database: DatabaseService
}

interface Need {
  readonly plan?: string
  readonly feature?: string
  readonly meter?: string
}

/** What other plugins see. */
export class PlanService implements BillingService {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  plan = async (owner: Owner): Promise<PlanState> => (await this.#of(owner)).state

  has = async (owner: Owner, feature: string): Promise<boolean> =>
    grants(await this.#of(owner), feature)

  limit = async (owner: Owner, meter: string): Promise<number | null> =>
    (await this.#of(owner)).plan.limits[meter]?.amount ?? null

  usage = (owner: Owner, meter: string): Promise<MeterUsage> => this.#needs.usage.of(owner, meter)

  reserve = (
    owner: Owner,
    meter: string,
    amount: number,
    options: { readonly key: string; readonly ttlMs: number },
  ): Promise<Reservation> => this.#needs.usage.reserve(owner, meter, amount, options)

  commit = (id: string, actual: number): Promise<void> => this.#needs.usage.commit(id, actual)

  release = (id: string): Promise<void> => this.#needs.usage.release(id)

  guard = async (principal: Principal, { plan, feature, meter }: Need): Promise<void> => {
    const entitled = await this.#of(principal.subject)
    if (plan !== undefined && !this.#reaches(entitled, plan)) {
      throw E.plan_required({ need: `the plan '${plan}'` })
    }
    if (feature !== undefined && !grants(entitled, feature)) {
      throw E.plan_required({ need: `a plan with '${feature}'` })
    }
    if (meter !== undefined) await this.#meter(principal.subject, meter)
  }

  #of(owner: Owner): Promise<Entitled> {
    return this.#needs.entitlements.of(owner)
  }

  /** A later plan of the config holds all the earlier ones. */
  #reaches({ plan }: Entitled, wanted: string): boolean {
    return plan.rank >= (this.#needs.catalogue.find(wanted)?.rank ?? Number.POSITIVE_INFINITY)
  }

  async #meter(owner: Owner, meter: string): Promise<void> {
    const { used, reserved, limit, resetAt } = await this.#needs.usage.of(owner, meter)
    if (limit === null || used + reserved < limit) return
    const now = await databaseTime(this.#needs.database.knex)
    const waitMs = Date.parse(resetAt ?? '') - now.getTime()
    throw E.quota_exceeded(
      { meter, limit },
      retryAfter(Number.isFinite(waitMs) ? waitMs : 3_600_000),
    )
  }
}

const grants = ({ plan, features }: Entitled, feature: string) =>
  plan.features[feature] === true || features.includes(feature)
