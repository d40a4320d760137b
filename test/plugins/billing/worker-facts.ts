import { isProblem } from 'autodocops'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { BillingEvents } from 'autodocops/plugins/billing'

import { eventObject, thinTwin } from '../../../plugins/billing/fake-event.ts'
import type { Gateway } from '../../../plugins/billing/gateway.ts'
import { row } from '../../../plugins/billing/sql.ts'
import { count, eventsIn, proPrice, settle, statusOf } from './stage.ts'
import type { Instance } from './stage.ts'
import type { World } from './worker-world.ts'

const calls = (to: Instance) => to.plugin.heard(BillingEvents, 'billing:stripe-called')

/** What the worker owes with Stripe to ask, on every database. */
export function workerFacts(test: Test, world: World): void {
  const { database, fake, one, sent, receive, buy, update } = world

  test('whatever order events come in, the row is what Stripe has', async () => {
    const sub = buy()
    await receive(one, ...sent.toReversed())
    await settle(one)

    assert.equal(await statusOf(database, sub), {
      status: 'active',
      plan: 'pro',
      owner: 'alice',
      version: 1,
    })
    assert.is((await one.billing.plan('alice')).plan, 'pro')
    assert.ok((await eventsIn(database)).every(({ status }) => status !== 'pending'))
  })

  test('thin events alone bring the same end as snapshots', async () => {
    const sub = buy()
    await receive(one, ...sent.map(thinTwin).toReversed())
    await settle(one)

    assert.is((await statusOf(database, sub))?.status, 'active')
    assert.is(await count(database, 'billing_effects'), 1)
  })

  test('a subscription before its owner is known waits for him, and is his when a session names him', async () => {
    const customer = fake.billing.createCustomer({}).id
    const session = fake.billing.createSession({
      customer,
      line_items: [{ price: proPrice, quantity: '1' }],
      client_reference_id: 'bob',
    })
    fake.billing.completeSession(session.id)
    const [completed] = sent.filter(({ type }) => type === 'checkout.session.completed')
    const others = sent.filter((event) => event !== completed)
    await receive(one, ...others)
    await settle(one)
    assert.is((await one.billing.plan('bob')).plan, 'free')
    assert.ok((await eventsIn(database)).every(({ status }) => status !== 'dead'))

    await receive(one, completed ?? {})
    await settle(one)
    assert.is((await one.billing.plan('bob')).plan, 'pro')
  })

  test('a customer that was linked here is told to Stripe once, with one key', async () => {
    const session = fake.billing.createSession({
      customer: fake.billing.createCustomer({}).id,
      line_items: [{ price: proPrice, quantity: '1' }],
      client_reference_id: 'bob',
    })
    fake.billing.completeSession(session.id)
    await receive(one, ...sent)
    await settle(one)
    await one.worker.send()
    await one.worker.send()

    const customer = fake.billing.get(String(session['customer']), 'customer')
    assert.equal(customer['metadata'], { owner: 'bob' })
    const letters = await row<{ status: string; idempotencyKey: string }>(
      database.knex,
      `select status, idempotency_key from billing_outbox`,
    )
    assert.is(letters?.status, 'done')
    assert.is(letters?.idempotencyKey, `bill:customer.link:${customer.id}`)
  })

  test('a new subscription of a customer who had one is his plan, and both rows are right', async () => {
    const first = buy('carol')
    const customer = String(fake.billing.get(first, 'subscription')['customer'])
    fake.billing.cancelSubscription(first)
    const second = fake.billing.createSubscription({
      customer,
      items: [{ price: proPrice }],
      metadata: { owner: 'carol' },
    }).id
    await receive(one, ...sent.toReversed())
    await settle(one)

    assert.is((await statusOf(database, first))?.status, 'canceled')
    assert.is((await statusOf(database, second))?.status, 'active')
    assert.is((await one.billing.plan('carol')).plan, 'pro')
  })

  test('a failed renewal stays on for the days of grace, and then is off', async () => {
    const sub = buy('dan')
    fake.state.failing.add(String(fake.billing.get(sub, 'subscription')['customer']))
    fake.billing.advance(31 * 86_400)
    await receive(one, ...sent)
    await settle(one)
    const ahead = fake.state.now() * 1_000 - one.plugin.clock.now()
    one.plugin.clock.advance(ahead)
    const during = await one.billing.plan('dan')
    one.plugin.clock.advance(8 * 86_400_000)
    const after = await one.billing.plan('dan')
    one.plugin.clock.advance(-ahead - 8 * 86_400_000)
    fake.state.advance(-31 * 86_400)

    assert.equal([during.plan, during.status, during.inGrace], ['pro', 'past_due', true])
    assert.equal([after.plan, after.active, after.inGrace], ['free', false, false])
  })

  test('features of Stripe Entitlements are had beside those of the plan, however many pages they fill', async () => {
    const customer = String(fake.billing.get(buy('hal'), 'subscription')['customer'])
    await world.link(customer, 'hal')
    const features = world.features(250)
    fake.state.put({ id: `${customer}:features`, object: 'fake.features', data: features })
    const asked = calls(one)
    await receive(one, world.entitled(customer, features.slice(0, 10), true))
    await settle(one)

    assert.is(await one.billing.has('hal', 'feature-0'), true)
    assert.is(await one.billing.has('hal', 'feature-249'), true)
    assert.is(await one.billing.has('hal', 'feature-250'), false)
    const pages = asked.filter(({ operation }) => operation.startsWith('entitlements'))
    assert.is(pages.length, 3)
  })

  test('a list of features that does not end is not believed', async () => {
    const customer = fake.billing.createCustomer({}).id
    fake.state.put({
      id: `${customer}:features`,
      object: 'fake.features',
      data: world.features(1_001),
    })
    const gateway = one.plugin.services['workerGateway'] as Gateway
    const error = await gateway.entitlements(customer).catch((problem: unknown) => problem)

    assert.ok(isProblem(error) && error.code === 'stripe_invalid_response')
  })

  test('a price that nobody named is kept, and gives no more than free', async () => {
    const product = fake.billing.createProduct({ name: 'odd' }).id
    const price = fake.billing.createPrice({
      product,
      unit_amount: '1',
      recurring: { interval: 'month' },
    }).id
    const customer = fake.billing.createCustomer({}).id
    const sub = fake.billing.createSubscription({
      customer,
      items: [{ price }],
      metadata: { owner: 'ida' },
    }).id
    await receive(one, ...sent)
    await settle(one)

    assert.is((await statusOf(database, sub))?.plan, 'unknown')
    assert.is((await one.billing.plan('ida')).plan, 'free')
  })

  test('what ended does not come back by an event of three days ago', async () => {
    const sub = buy()
    const late = update(sub, {}, fake.state.now() - 3 * 86_400)
    fake.billing.cancelSubscription(sub)
    await receive(one, ...sent)
    await settle(one)
    await receive(one, late)
    await settle(one)

    assert.is((await statusOf(database, sub))?.status, 'canceled')
    assert.is((await one.billing.plan('alice')).plan, 'free')
  })

  test('a status that Stripe has invented since is kept, and gives no more than free', async () => {
    const sub = buy('jo')
    await receive(one, ...sent)
    await settle(one)
    fake.state.put({ ...fake.billing.get(sub, 'subscription'), status: 'hibernating' })
    await receive(one, update(sub))
    await settle(one)

    assert.is((await statusOf(database, sub))?.status, 'hibernating')
    const { plan, active } = await one.billing.plan('jo')
    assert.equal([plan, active], ['free', false])
    assert.ok((await eventsIn(database)).every(({ status }) => status !== 'dead'))
  })

  test('a subscription that is given to another is told to both, and is had by one', async () => {
    const sub = buy('lea')
    await receive(one, ...sent)
    await settle(one)
    const told = one.plugin.heard(BillingEvents, 'billing:entitlements-changed')
    fake.billing.updateSubscription(sub, { metadata: { owner: 'mia' } })
    await receive(one, sent.at(-1) ?? {})
    await settle(one)

    assert.equal(told.map(({ owner }) => owner).toSorted(), ['lea', 'mia'])
    assert.is((await one.billing.plan('lea')).plan, 'free')
    assert.is((await one.billing.plan('mia')).plan, 'pro')
  })

  for (const [what, subscription, letters] of [
    ['a single payment', null, 0],
    ['a subscription', 'sub_of_nora', 1],
  ] as const) {
    test(`who has paid for ${what} has ${letters} open checkouts taken away`, async () => {
      await database.knex.raw(
        `insert into billing_checkouts (id, owner, plan, idempotency_key, expires_at)
         values ('cs_test_open', 'nora', 'pro', 'k', clock_timestamp() + interval '1 day')`,
      )
      const object = {
        id: 'cs_test_paid',
        object: 'checkout.session',
        status: 'complete',
        payment_status: 'paid',
        client_reference_id: 'nora',
        subscription,
      }
      const type = 'checkout.session.completed'
      await receive(one, eventObject('evt_paid', fake.state.now(), { type, object, previous: {} }))
      await settle(one)

      assert.is(await count(database, 'billing_outbox'), letters)
    })
  }

  test('what an owner has is never asked of Stripe', async () => {
    buy('kim')
    await receive(one, ...sent)
    await settle(one)
    const asked = calls(one)
    const held = await one.billing.reserve('kim', 'chat.tokens', 10, { key: 'k', ttlMs: 60_000 })
    if (held.ok) await one.billing.commit(held.id, 10)
    const answers = [
      (await one.billing.plan('kim')).plan,
      await one.billing.has('kim', 'chat.stream'),
      await one.billing.limit('kim', 'chat.tokens'),
      (await one.billing.usage('kim', 'chat.tokens')).used,
    ]

    assert.equal(answers, ['pro', true, 2_000_000, 10])
    assert.is(asked.length, 0)
  })
}
