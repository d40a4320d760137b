import type { DatabaseService } from 'autodocops/plugins/database'

import { eventObject } from '../../../plugins/billing/fake-event.ts'
import type { FakeObject } from '../../../plugins/billing/fake-state.ts'
import type { FakeStripe } from '../../../plugins/billing/fake-stripe.ts'
import { delivery, emptied, instance, quietStripe } from './stage.ts'
import type { Instance } from './stage.ts'

export interface World {
  readonly database: DatabaseService
  readonly fake: FakeStripe
  /** The instance that asks Stripe. */
  readonly one: Instance
  /** Everything that Stripe would have sent since the last `reset`. */
  readonly sent: FakeObject[]
  readonly reset: () => Promise<void>
  readonly receive: (to: Instance, ...events: readonly object[]) => Promise<void>
  /** A paid subscription; without an owner nothing says whose it is. */
  readonly buy: (owner?: string | null) => string
  /** What Stripe would tell of a subscription as it is now, or as `change` makes it. */
  readonly update: (sub: string, change?: object, at?: number) => FakeObject
  /** Says in our tables whose customer it is. */
  readonly link: (customer: string, owner: string) => Promise<unknown>
  /** `feature-0`, `feature-1`, … as Stripe Entitlements lists them. */
  readonly features: (count: number) => FakeObject[]
  /** The event that tells of a customer's features: all of them, or the first few. */
  readonly entitled: (
    customer: string,
    features: readonly FakeObject[],
    hasMore: boolean,
  ) => FakeObject
  /** Every retry that waits is due. */
  readonly dueNow: () => Promise<unknown>
  readonly end: () => Promise<void>
}

/** One FakeStripe and one instance on this database; no webhook goes out by itself. */
export async function worldOn(
  database: DatabaseService & { readonly stop: () => Promise<void> },
): Promise<World> {
  const { fake, outgoing: sent, buy } = await quietStripe(8)
  const one = await instance({ database, fake })
  let serial = 0
  return {
    database,
    fake,
    one,
    sent,
    reset: async () => {
      await emptied(database)
      fake.faults.clear()
      fake.state.failing.clear()
      sent.length = 0
    },
    receive: async (to, ...events) => {
      for (const event of events) {
        await to.webhook.receive(delivery(event, fake.state.secret, to.plugin.clock.now()))
      }
    },
    buy,
    update: (sub, change = {}, at = fake.state.now()) =>
      eventObject(`evt_made_${(serial += 1)}`, at, {
        type: 'customer.subscription.updated',
        object: { ...fake.billing.get(sub, 'subscription'), ...change },
        previous: {},
      }),
    link: (customer, owner) =>
      database.knex.raw(
        `insert into billing_customers (id, livemode, owner) values (?, false, ?)`,
        [customer, owner],
      ),
    features: (count) => Array.from({ length: count }, (_, n) => featureObject(n)),
    entitled: (customer, features, hasMore) =>
      eventObject(`evt_made_${(serial += 1)}`, fake.state.now(), {
        type: 'entitlements.active_entitlement_summary.updated',
        object: {
          id: customer,
          object: 'entitlements.active_entitlement_summary',
          customer,
          livemode: false,
          entitlements: { object: 'list', data: features, has_more: hasMore },
        },
        previous: undefined,
      }),
    dueNow: () =>
      database.knex.raw(
        `update billing_events set next_attempt_at = clock_timestamp() where status = 'pending'`,
      ),
    end: async () => {
      await one.stop()
      await fake.stop()
      await database.stop()
    },
  }
}

const featureObject = (n: number): FakeObject => ({
  id: `ent_${n}`,
  object: 'entitlements.active_entitlement',
  feature: `feat_${n}`,
  livemode: false,
  lookup_key: `feature-${n}`,
})
