import { rm } from 'node:fs/promises'

import { isProblem } from 'autodocops'
import { testPlugin } from 'autodocops/testing'
import type { TestedPlugin } from 'autodocops/testing'
import type { DatabaseService } from 'autodocops/plugins/database'
import type { BillingService } from 'autodocops/plugins/billing'

import billing from '../../../plugins/billing/index.ts'
import type { Checkouts } from '../../../plugins/billing/checkout.ts'
import type { Doctor } from '../../../plugins/billing/doctor.ts'
import type { FakeObject } from '../../../plugins/billing/fake-state.ts'
import { FakeStripe } from '../../../plugins/billing/fake-stripe.ts'
import { up } from '../../../plugins/billing/migrations/0001-create-billing.ts'
import type { Reconciler } from '../../../plugins/billing/reconcile.ts'
import { row, rows } from '../../../plugins/billing/sql.ts'
import type { Synchroniser } from '../../../plugins/billing/sync.ts'
import { sign } from '../../../plugins/billing/verify.ts'
import type { Webhook } from '../../../plugins/billing/webhook.ts'
import type { Worker } from '../../../plugins/billing/worker.ts'
import { uuidv7 } from '../../../core/provide.ts'
import { embeddedFolder } from '../database/embedded-folder.ts'
import { started } from '../database/started.ts'

export const proPrice = 'price_pro_month'

/** Repeatable chance. */
export function seeded(seed: number) {
  let state = seed * 2_654_435_761 + 1
  const float = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    const mixed = Math.imul(state ^ (state >>> 12), 0x297a2d39)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4_294_967_296
  }
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => float() * 256))
  return { float, bytes, uuid: () => uuidv7(Date.now(), bytes(10)) }
}

export const realClock = { now: () => Date.now(), monotonic: () => performance.now() }

/** The machine that runs tests is often busy. */
const patient = { deadlines: { poolWait: '30s', statement: '30s' } }

/** A fresh embedded database with the tables of billing, for this file. */
export async function embedded(): Promise<DatabaseService & { stop: () => Promise<void> }> {
  const dataDir = await embeddedFolder()
  const { plugin, connections } = await started({ dataDir }, patient)
  await up(connections.knex)
  const stop = async () => {
    await plugin.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return Object.assign(Object.create(connections) as DatabaseService, {
    kind: connections.kind,
    knex: connections.knex,
    listen: connections.listen,
    stop,
  })
}

/** The same on a Postgres at this address. */
export async function onPostgres(
  url: string,
  isFresh = true,
): Promise<DatabaseService & { stop: () => Promise<void> }> {
  const { plugin, connections } = await started({}, { url })
  if (isFresh) await up(connections.knex)
  return Object.assign(Object.create(connections) as DatabaseService, {
    kind: connections.kind,
    knex: connections.knex,
    listen: connections.listen,
    stop: () => plugin.stop(),
  })
}

export async function emptied({ knex }: DatabaseService): Promise<void> {
  await knex.raw(tables.map((table) => `delete from billing_${table};`).join('\n'))
}

/** Nobody reconciles: what a webhook lost stays lost, for tests that are about just that. */
export const withoutReconciler = ({ knex }: DatabaseService): Promise<unknown> =>
  knex.raw(
    `insert into billing_leases values ('reconciler', 'nobody', clock_timestamp() + interval '1 day')
     on conflict (name) do update set token = excluded.token, until = excluded.until`,
  )

/** Rows, not tables: making those anew takes an embedded database a third of a second. */
const tables = [
  'events',
  'leases',
  'customers',
  'subscriptions',
  'effects',
  'outbox',
  'checkouts',
  'entitlements',
  'entitlement_syncs',
  'usages',
  'reservations',
  'cursors',
]

/** A FakeStripe of its own, with one product and two prices, that sends nothing until it is told where. */
export async function fakeStripe(
  options: { seed?: number; clock?: typeof realClock; host?: string } = {},
) {
  const random = options.seed === undefined ? seeded(Date.now()) : seeded(options.seed)
  const fake = new FakeStripe({
    clock: options.clock ?? realClock,
    random,
    dataDir: undefined,
    host: options.host ?? '127.0.0.1',
    port: 0,
    plans: [{ price: proPrice, name: 'pro', amount: 2_000 }],
  })
  await fake.start()
  return fake
}

/** A FakeStripe that sends nothing: what it would have sent lies in `outgoing`. */
export async function quietStripe(seed: number) {
  const fake = await fakeStripe({ seed })
  const outgoing: FakeObject[] = []
  fake.webhooks.send = (event) => void outgoing.push(event)
  /** A paid subscription; without an owner nothing says whose it is. */
  const buy = (owner: string | null = 'alice'): string => {
    const customer = fake.billing.createCustomer({}).id
    const metadata = owner === null ? {} : { owner }
    return fake.billing.createSubscription({ customer, items: [{ price: proPrice }], metadata }).id
  }
  return { fake, outgoing, buy }
}

export interface Instance {
  readonly plugin: TestedPlugin<(typeof billing)['provides']>
  readonly billing: BillingService
  readonly webhookSecret: string
  readonly webhook: Webhook
  readonly worker: Worker
  readonly checkouts: Checkouts
  readonly reconciler: Reconciler
  readonly synchroniser: Synchroniser
  readonly doctor: Doctor
  readonly stop: () => Promise<void>
}

export interface InstanceOptions {
  readonly database: DatabaseService
  /** `undefined`: payload mode. */
  readonly fake?: FakeStripe
  readonly config?: Record<string, unknown>
  readonly secret?: string
  readonly services?: Record<string, unknown>
}

/** One instance of the plugin, started and not yet active: tests turn the worker by hand. */
export async function instance(options: InstanceOptions): Promise<Instance> {
  const { database, fake, config = {}, services = {} } = options
  const stripe = fake
    ? {
        apiKey: 'sk_test_1',
        webhookSecret: fake.state.secret,
        apiBase: fake.url,
        readsPerSecond: 10_000,
      }
    : { webhookSecret: options.secret ?? 'whsec_test' }
  const plans = { pro: { prices: [proPrice], features: { 'chat.stream': true } } }
  const plugin = await testPlugin(billing, {
    config: { plans, ...stripe, ...config },
    services: { database, ...services },
  })
  plugin.clock.advance(Date.now() - plugin.clock.now())
  const built = plugin.services as unknown as Instance
  return {
    plugin,
    billing: built.billing,
    webhookSecret: stripe.webhookSecret,
    webhook: built.webhook,
    worker: built.worker,
    checkouts: built.checkouts,
    reconciler: built.reconciler,
    synchroniser: built.synchroniser,
    doctor: built.doctor,
    stop: () => plugin.stop(),
  }
}

/** Works until nothing is due, nor will be within a second: what found its object held comes back soon. */
export async function settle({ worker, plugin }: Instance): Promise<void> {
  const database = plugin.services['database'] as DatabaseService
  while ((await worker.work()) || (await dueSoon(database)) > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const dueSoon = async ({ knex }: DatabaseService) =>
  (
    await row<{ n: number }>(
      knex,
      `select count(*)::int as n from billing_events
       where status = 'pending' and next_attempt_at < clock_timestamp() + interval '1 second'`,
    )
  )?.n ?? 0

export const statusOf = (database: DatabaseService, id: string) =>
  row<{ status: string; plan: string; owner: string | null; version: number }>(
    database.knex,
    `select status, plan, owner, version from billing_subscriptions where id = ?`,
    [id],
  )

export const eventsIn = (database: DatabaseService) =>
  rows<{
    eventId: string
    type: string
    status: string
    deliveries: number
    attempts: number
    lastError: string | null
  }>(
    database.knex,
    `select event_id, type, status, deliveries, attempts, last_error from billing_events order by id`,
  )

export const count = async (database: DatabaseService, table: string) =>
  (await row<{ n: number }>(database.knex, `select count(*)::int as n from ${table}`))?.n ?? 0

/** A delivery as Stripe would make it. */
export function delivery(event: object, secret: string, at = Date.now()) {
  const body = JSON.stringify(event)
  return { body: Buffer.from(body), signature: sign(body, secret, at) }
}

/** How an instance answers one now: 200, or the status of its problem. */
export async function answer(
  to: Instance,
  event: object,
  secret = to.webhookSecret,
): Promise<number> {
  try {
    await to.webhook.receive(delivery(event, secret, to.plugin.clock.now()))
    return 200
  } catch (error) {
    return isProblem(error) ? error.status : 500
  }
}
