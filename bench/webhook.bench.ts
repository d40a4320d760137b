/**
 * Durable webhook events a second, against @supabase/stripe-sync-engine on the same Postgres behind the same HTTP
 * server, in interleaved rounds. TEST_DATABASE_URL names a Postgres with fsync on; else a private one is started.
 */
import { createRequire } from 'node:module'
import process from 'node:process'

import type * as SyncEngine from '@supabase/stripe-sync-engine'
import pg from 'pg'

import { GroupCommit } from '../plugins/billing/group-commit.ts'
import { FakeBilling } from '../plugins/billing/fake-billing.ts'
import { FakeState } from '../plugins/billing/fake-state.ts'
import type { FakeObject } from '../plugins/billing/fake-state.ts'
import { sign, verify } from '../plugins/billing/verify.ts'
import { postgres } from '../test/harness/postgres.ts'
import { instance, onPostgres, proPrice, realClock, seeded } from '../test/plugins/billing/stage.ts'
import { load, median, serve } from './webhook-rounds.ts'
import type { Delivery, Handle, Round, Subject } from './webhook-rounds.ts'

const secret = 'whsec_bench'
const rounds = 5
const connections = 32
const perRound = Math.ceil(2_000 * Number(process.env['TEST_SCALE'] ?? 1))

/** One real event of a subscription; each delivery is another event about another subscription. */
function template(): FakeObject {
  const events: FakeObject[] = []
  const state = new FakeState({ clock: realClock, random: seeded(1), dataDir: undefined })
  const billing = new FakeBilling(
    state,
    (event) => events.push(event),
    () => '',
  )
  billing.seedPlan(proPrice, 'pro', 2_000)
  const customer = billing.createCustomer({}).id
  billing.createSubscription({ customer, items: [{ price: proPrice }], metadata: { owner: 'x' } })
  const found = events.find(({ type }) => type === 'customer.subscription.updated')
  if (!found) throw new Error('no event')
  return found
}

const event = JSON.stringify(template())
const [subscription = ''] = /sub_[0-9a-f]+/.exec(event) ?? []
const [eventId = ''] = /evt_[0-9a-f]+/.exec(event) ?? []
const [itemId = ''] = /si_[0-9a-f]+/.exec(event) ?? []
let serial = 0

function deliveries(): Delivery[] {
  return Array.from({ length: perRound }, () => {
    serial += 1
    const text = event
      .replaceAll(subscription, `sub_${serial}`)
      .replaceAll(eventId, `evt_${serial}`)
      .replaceAll(itemId, `si_${serial}`)
    return { body: Buffer.from(text), signature: sign(text, secret, Date.now()) }
  })
}

async function bare(url: string): Promise<Handle> {
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  await pool.query('create table bench_bare (id text primary key, raw text not null)')
  const commit = new GroupCommit<{ id: string; raw: string }, boolean>({
    write: async (items) => {
      const columns = [items.map(({ id }) => id), items.map(({ raw }) => raw)]
      await pool.query(
        'insert into bench_bare select * from unnest($1::text[], $2::text[])',
        columns,
      )
      return items.map(() => true)
    },
    maxBatch: 128,
    maxQueue: 2_000,
    refuse: () => new Error('full'),
  })
  const options = { secrets: [secret], toleranceMs: 300_000, futureToleranceMs: 300_000 }
  return (body, signature) => {
    if (verify(body, signature, { ...options, now: Date.now() }) !== 'valid') throw new Error('bad')
    const raw = body.toString('utf8')
    return commit.add({ id: (JSON.parse(raw) as { id: string }).id, raw })
  }
}

/** Its ES module looks for its migrations at a `__dirname` that is not there, logs that and goes on: hence CommonJS. */
async function peer(url: string): Promise<Handle> {
  const required = createRequire(import.meta.url)
  const engine = required('@supabase/stripe-sync-engine') as typeof SyncEngine
  const { runMigrations, StripeSync } = engine
  await runMigrations({ databaseUrl: url, schema: 'stripe' })
  const sync = new StripeSync({
    stripeSecretKey: 'sk_test_bench',
    stripeWebhookSecret: secret,
    poolConfig: { connectionString: url, max: 10 },
  })
  return (body, signature) => sync.processWebhook(body, signature)
}

const { url } = await postgres()
const admin = new pg.Client({ connectionString: url })
await admin.connect()
await admin.query(
  `do $$ begin create role postgres; exception when duplicate_object then null; end $$`,
)
const fsync = (await admin.query<{ fsync: string }>('show fsync')).rows[0]?.fsync
const database = await onPostgres(url)
const ours = await instance({ database, secret })
const worked = await instance({ database, secret })

const take =
  ({ webhook, plugin }: typeof ours): Handle =>
  (body, signature) => {
    plugin.clock.advance(Date.now() - plugin.clock.now())
    return webhook.receive({ body, signature })
  }

const subjects: readonly (Subject & {
  before?: () => Promise<void>
  after?: () => Promise<void>
})[] = [
  { name: '@supabase/stripe-sync-engine', handle: await peer(url) },
  { name: 'ours', handle: take(ours) },
  {
    name: 'ours, the worker at work',
    handle: take(worked),
    before: () => worked.plugin.activate(),
    after: () => worked.worker.stop(),
  },
  { name: 'bare group-commit INSERT', handle: await bare(url) },
]

const results = new Map<string, Round[]>(subjects.map(({ name }) => [name, []]))
for (let round = 0; round <= rounds; round += 1) {
  const order = round % 2 === 0 ? subjects : subjects.toReversed()
  for (const { name, handle, before, after } of order) {
    await before?.()
    const server = await serve(handle)
    const result = await load(server, deliveries(), connections)
    server.close()
    await after?.()
    // The first round warms up.
    if (round > 0) results.get(name)?.push(result)
    await admin.query('delete from billing_events')
  }
}

const of = (name: string, what: keyof Round) =>
  median((results.get(name) ?? []).map((round) => round[what]))

process.stdout.write(
  `${perRound} events a round over ${connections} connections, median of ${rounds} interleaved rounds, fsync ${fsync}\n\n`,
)
process.stdout.write(`${''.padEnd(30)}  events/s   p50 ms   p99 ms\n`)
for (const { name } of subjects) {
  const cells = [
    of(name, 'perSecond').toFixed(0),
    of(name, 'p50').toFixed(1),
    of(name, 'p99').toFixed(1),
  ]
  process.stdout.write(`${name.padEnd(30)}${cells.map((cell) => cell.padStart(9)).join('')}\n`)
}
/** Round by round, since all contenders of a round met the same machine. */
const ratios = (a: string, b: string) =>
  median(
    (results.get(a) ?? []).map(
      (round, at) => round.perSecond / (results.get(b)?.[at]?.perSecond ?? 1),
    ),
  )
const against = ratios('ours', '@supabase/stripe-sync-engine')
process.stdout.write(
  `\nours ≥ 2.5 × stripe-sync-engine: ${against.toFixed(2)} ${against >= 2.5 ? 'kept' : 'BROKEN'}\n` +
    `ours, the worker at work, to stripe-sync-engine: ${ratios('ours, the worker at work', '@supabase/stripe-sync-engine').toFixed(2)}\n` +
    `ours to a bare group-commit INSERT loop: ${ratios('ours', 'bare group-commit INSERT').toFixed(2)}\n`,
)
if (against < 2.5) process.exitCode = 1
await admin.end()
process.exit()
