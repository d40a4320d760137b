import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { BillingEvents } from 'autodocops/plugins/billing'

import type { FakeObject } from '../../../plugins/billing/fake-state.ts'
import { thinTwin } from '../../../plugins/billing/fake-event.ts'
import { count, delivery, eventsIn, instance, proPrice, settle, statusOf } from './stage.ts'
import type { Instance } from './stage.ts'
import type { World } from './worker-world.ts'

const calls = (to: Instance) => to.plugin.heard(BillingEvents, 'billing:stripe-called')

/** What comes more than once, in one shape or another, is one: on every database. */
export function duplicateFacts(test: Test, world: World): void {
  const { database, fake, one, sent, receive, buy } = world

  test('fifty events of one subscription in a second cost one read', async () => {
    const sub = buy()
    for (let n = 0; n < 50; n += 1)
      fake.billing.updateSubscription(sub, { metadata: { n: String(n) } })
    const asked = calls(one)
    await receive(one, ...sent)
    await settle(one)

    assert.ok(asked.length <= 3, `${asked.length} reads`)
    assert.is((await statusOf(database, sub))?.status, 'active')
  })

  test('an event that a fetch has covered is done without another', async () => {
    buy()
    const [first, ...rest] = sent
    await receive(one, first ?? {}, ...rest)
    await one.worker.work()
    const asked = calls(one)
    await settle(one)

    assert.is(asked.length, 0)
  })

  test('two types tell of one payment, and it is one fact', async () => {
    const paid = one.plugin.heard(BillingEvents, 'billing:invoice-paid')
    const customer = fake.billing.createCustomer({}).id
    await database.knex.raw(
      `insert into billing_customers (id, livemode, owner) values (?, false, 'alice')`,
      [customer],
    )
    fake.billing.createSubscription({
      customer,
      items: [{ price: proPrice }],
      metadata: { owner: 'alice' },
    })
    await receive(one, ...sent)
    await settle(one)

    assert.is(sent.filter(({ type }) => String(type).startsWith('invoice.pa')).length, 2)
    assert.equal(paid, [{ owner: 'alice' }])
  })

  for (const [order, arrange] of Object.entries(arrivals)) {
    test(`both forms of every event, ${order}, are one event and one effect`, async () => {
      const told = one.plugin.heard(BillingEvents, 'billing:invoice-paid')
      const sub = buy('twin')
      await database.knex.raw(
        `insert into billing_customers (id, livemode, owner) values (?, false, 'twin')`,
        [String(fake.billing.get(sub, 'subscription')['customer'])],
      )
      for (const batch of arrange([...sent])) {
        await Promise.all(batch.map((event) => receive(one, event)))
      }
      await settle(one)

      const rows = await eventsIn(database)
      assert.is(rows.length, sent.length)
      assert.ok(rows.every(({ deliveries }) => deliveries === 2))
      assert.is(await count(database, 'billing_effects'), 1)
      assert.equal(told, [{ owner: 'twin' }])
      assert.is((await statusOf(database, sub))?.status, 'active')
    })
  }

  test('a hundred copies at once to three instances are a hundred 200, one row and one effect', async () => {
    const others = [await instance({ database, fake }), await instance({ database, fake })]
    const sub = buy()
    const paid = sent.find(({ type }) => type === 'invoice.paid') ?? {}
    const all = [one, ...others]
    const copies = Array.from({ length: 100 }, (_, at) => all[at % 3] ?? one)
    const answers = await Promise.all(
      copies.map((to) =>
        to.webhook.receive(delivery(paid, fake.state.secret, to.plugin.clock.now())),
      ),
    )
    await Promise.all(all.map(settle))

    assert.is(answers.filter((answer) => answer === 'received').length, 1)
    assert.is(answers.filter((answer) => answer === 'duplicate').length, 99)
    const rows = await eventsIn(database)
    assert.equal(
      rows.map(({ deliveries, status }) => [deliveries, status]),
      [[100, 'done']],
    )
    assert.is(await count(database, 'billing_effects'), 1)
    assert.is((await statusOf(database, sub))?.status, 'active')
    for (const other of others) await other.stop()
  })
}

type Arrange = (events: readonly FakeObject[]) => readonly (readonly object[])[]
const arrivals: Readonly<Record<string, Arrange>> = {
  'the snapshot first': (events) => [events, events.map(thinTwin)],
  'the thin one first': (events) => [events.map(thinTwin), events],
  'at once': (events) => [events.flatMap((event) => [event, thinTwin(event)])],
}
