import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import { rows } from '../../plugins/billing/sql.ts'
import { sign } from '../../plugins/billing/verify.ts'
import { postgres } from '../harness/postgres.ts'
import {
  instance,
  onPostgres,
  proPrice,
  quietStripe,
  settle,
  statusOf,
  withoutReconciler,
} from '../plugins/billing/stage.ts'
import { born } from './billing-process.ts'
import type { BillingProcess } from './billing-process.ts'

/** 10 rounds in CI, 200 in a soak. */
const rounds = Math.ceil(10 * Math.min(20, Number(process.env['TEST_SCALE'] ?? 1)))
const { url } = await postgres()
const database = await onPostgres(url)
await withoutReconciler(database)
const { fake, outgoing } = await quietStripe(9)

/** Every event that was answered 200. */
const acknowledged = new Set<string>()
/** All there are; Stripe sends one until it is answered. */
const events: FakeObject[] = []
const subscriptions: string[] = []

async function send({ post }: BillingProcess, event: FakeObject): Promise<void> {
  if ((await post(event)) === 200) acknowledged.add(event.id)
}

/** Payment links: their customers are linked by a letter to Stripe, the effect that is seen from outside. */
function sell(): void {
  for (let n = 0; n < 10; n += 1) {
    const session = fake.billing.createSession({
      line_items: [{ price: proPrice, quantity: '1' }],
      client_reference_id: `buyer-${subscriptions.length}`,
    })
    fake.billing.completeSession(session.id)
    subscriptions.push(String(fake.billing.get(session.id, 'checkout.session')['subscription']))
  }
  events.push(...outgoing.splice(0))
}

test(`${rounds} × kill -9 at any moment: nothing acknowledged is lost, no effect is doubled`, async () => {
  let next = born(url, fake)
  for (let round = 0; round < rounds; round += 1) {
    sell()
    const victim = await next
    if (round + 1 < rounds) next = born(url, fake)
    const unanswered = events.filter(({ id }) => !acknowledged.has(id))
    const sending = unanswered.flatMap((event) => [send(victim, event), send(victim, event)])
    if (round % 3 > 0) await Promise.race(sending)
    await sleep(Math.random() * 300)
    await victim.kill()
    await Promise.all(sending)
  }

  const before = acknowledged.size
  const stored = new Set(
    (await rows<{ eventId: string }>(database.knex, `select event_id from billing_events`)).map(
      ({ eventId }) => eventId,
    ),
  )
  const lost = [...acknowledged].filter((id) => !stored.has(id))
  console.log(`# ${rounds} kills, ${before} of ${events.length} events acknowledged`)
  assert.equal(lost, [])
  assert.ok(before > 0)

  const last = await instance({ database, fake })
  for (const event of events) {
    const body = Buffer.from(JSON.stringify(event))
    const signature = sign(body.toString(), fake.state.secret, last.plugin.clock.now())
    await last.webhook.receive({ body, signature })
  }
  await sleep(600)
  await settle(last)
  await database.knex.raw(
    `update billing_events set next_attempt_at = clock_timestamp() where status = 'pending'`,
  )
  await settle(last)
  await database.knex.raw(
    `update billing_outbox set next_attempt_at = clock_timestamp() where status = 'pending'`,
  )
  while (await last.worker.send());

  for (const sub of subscriptions) {
    const found = await statusOf(database, sub)
    assert.is(found?.status, fake.billing.get(sub, 'subscription')['status'])
    assert.match(found?.owner ?? '', /^buyer-/)
  }
  const effects = await rows<{ effect: string; n: number }>(
    database.knex,
    `select effect, count(*)::int as n from billing_effects group by 1 order by 1`,
  )
  assert.equal(effects, [
    { effect: 'checkout.completed', n: subscriptions.length },
    { effect: 'invoice.paid', n: subscriptions.length },
  ])
  const linked = fake.state
    .all('event')
    .filter(({ type }) => type === 'customer.updated')
    .map((event) => (event['data'] as { object: { id: string } }).object.id)
  assert.is(new Set(linked).size, linked.length, 'no customer was linked twice')
  assert.is(linked.length, subscriptions.length)
  await last.stop()
})

test('everything ends', async () => {
  await fake.stop()
  await database.stop()
})

test.run()
