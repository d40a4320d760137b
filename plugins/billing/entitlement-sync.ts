import type { Random } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'
import type { Knex } from 'knex'

import type { Announcer } from './announcer.ts'
import { finish } from './claims.ts'
import type { Config } from './config.ts'
import { ownerOf } from './customers.ts'
import { isMissing } from './errors.ts'
import type { Gateway } from './gateway.ts'
import { idOf, list, record, text } from './json.ts'
import { endLease, takeLease } from './leases.ts'
import type { Resolved } from './resolve.ts'
import { changed } from './sql.ts'
import { Busy } from './sync.ts'

interface Needs {
  readonly database: DatabaseService
  readonly workerGateway: Gateway
  readonly announcer: Announcer
  readonly config: Pick<Config, 'worker'>
  readonly random: Random
}

/** Features that Stripe Entitlements gives to a customer: asked anew at every hint, else as the newest event says. */
export class EntitlementSync {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  async sync(customer: string, events: readonly Resolved[]): Promise<void> {
    const { database, random, config, announcer } = this.#needs
    const { knex } = database
    const lease = await takeLease(knex, `object:${customer}`, random.uuid(), config.worker.lease)
    if (!lease) throw new Busy(customer)
    try {
      const { features, isWhole, at } = await this.#learn(customer, events)
      const owner = await knex.transaction(async (trx) => {
        if (!(await endLease(trx, lease))) throw new Busy(customer)
        const isNewer = await moveOn(trx, customer, at)
        if (isNewer && isWhole) await takeAll(trx, customer)
        if (isNewer) await give(trx, customer, features)
        await finish(
          trx,
          events.map(({ event }) => event.id),
        )
        return ownerOf(trx, customer)
      })
      if (owner !== null) await announcer.announce([{ kind: 'entitled', owner }])
    } catch (error) {
      await endLease(knex, lease).catch(() => false)
      throw error
    }
  }

  async #learn(customer: string, events: readonly Resolved[]) {
    const { workerGateway } = this.#needs
    const last = events.toSorted(
      (a, b) => b.event.stripeCreated.getTime() - a.event.stripeCreated.getTime(),
    )[0]
    const at = last?.event.stripeCreated ?? new Date(0)
    if (workerGateway.canRead) {
      return { features: await this.#ask(customer), isWhole: true, at }
    }
    const page = record(record(last?.object)['entitlements'])
    const told = list(page).map((one) => text(one['lookup_key']))
    // An event carries the first few only: nothing is taken away for what it leaves out.
    const isWhole = page['has_more'] === false
    return { features: told.filter((feature) => feature !== null), isWhole, at }
  }

  /** A customer who was deleted has none left. */
  async #ask(customer: string): Promise<readonly string[]> {
    try {
      return await this.#needs.workerGateway.entitlements(customer)
    } catch (error) {
      if (!isMissing(error)) throw error
      return []
    }
  }
}

/** The customer that an event of this family is about. */
export const entitledCustomer = ({ object, event }: Resolved): string | null =>
  idOf(object['customer']) ?? event.subject

const moveOn = async (db: Knex, customer: string, at: Date): Promise<boolean> =>
  (await changed(
    db,
    `insert into billing_entitlement_syncs as known (customer, source_created) values (?, ?)
     on conflict (customer) do update set source_created = excluded.source_created
       where known.source_created <= excluded.source_created`,
    [customer, at],
  )) > 0

const takeAll = (db: Knex, customer: string): Promise<number> =>
  changed(db, `delete from billing_entitlements where customer = ?`, [customer])

const give = (db: Knex, customer: string, features: readonly string[]): Promise<number> =>
  changed(
    db,
    `insert into billing_entitlements (customer, feature) select ?, * from unnest(?::text[]) on conflict do nothing`,
    [customer, features],
  )
