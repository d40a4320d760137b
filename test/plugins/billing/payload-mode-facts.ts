import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { thinTwin } from '../../../plugins/billing/fake-event.ts'
import type { FakeObject } from '../../../plugins/billing/fake-state.ts'
import { eventsIn, proPrice, settle, statusOf } from './stage.ts'
import type { Instance } from './stage.ts'
import type { World } from './worker-world.ts'

/** What the worker owes when there is nobody to ask, on every database. */
export function payloadModeFacts(test: Test, world: World, payloadOnly: Instance): void {
  const { database, fake, sent, receive, buy, update } = world

  test('without a key the payloads tell, in any order', async () => {
    const sub = buy()
    await receive(payloadOnly, ...sent.toReversed())
    await settle(payloadOnly)

    assert.equal(await statusOf(database, sub), {
      status: 'active',
      plan: 'pro',
      owner: 'alice',
      version: 1,
    })
  })

  test('without a key an event after the end changes nothing', async () => {
    const sub = buy()
    const before = [...sent]
    fake.billing.cancelSubscription(sub)
    const [deleted] = sent.slice(before.length)
    await receive(payloadOnly, deleted ?? {})
    await settle(payloadOnly)
    await receive(payloadOnly, ...before)
    await settle(payloadOnly)

    assert.is((await statusOf(database, sub))?.status, 'canceled')
  })

  test('without a key the three events of the seed are enough', async () => {
    const session = fake.billing.createSession({
      customer: fake.billing.createCustomer({}).id,
      line_items: [{ price: proPrice, quantity: '1' }],
      client_reference_id: 'alice',
    })
    fake.billing.completeSession(session.id)
    const three = [
      'checkout.session.completed',
      'invoice.payment_succeeded',
      'customer.subscription.deleted',
    ]
    const seeds = () => sent.filter(({ type }) => three.includes(String(type)))
    await receive(payloadOnly, ...seeds())
    await settle(payloadOnly)
    assert.is((await payloadOnly.billing.plan('alice')).plan, 'pro')

    const sub = String(fake.billing.get(session.id, 'checkout.session')['subscription'])
    fake.billing.cancelSubscription(sub)
    await receive(payloadOnly, ...seeds())
    await settle(payloadOnly)
    assert.is((await payloadOnly.billing.plan('alice')).plan, 'free')
  })

  test('a thin event without a key is kept and ignored', async () => {
    buy()
    await receive(payloadOnly, ...sent.map(thinTwin))
    await settle(payloadOnly)

    const rows = (await eventsIn(database)).filter(({ type }) =>
      type.startsWith('customer.subscription'),
    )
    assert.ok(rows.length > 0 && rows.every(({ status }) => status === 'ignored'))
  })

  test('without a key what ended does not come back by an event of three days ago', async () => {
    const sub = buy()
    const late = update(sub, {}, fake.state.now() - 3 * 86_400)
    fake.billing.cancelSubscription(sub)
    await receive(payloadOnly, ...sent)
    await settle(payloadOnly)
    await receive(payloadOnly, late)
    await settle(payloadOnly)

    assert.is((await statusOf(database, sub))?.status, 'canceled')
  })

  test('without a key features are as an event lists them; what a list that goes on leaves out is kept', async () => {
    const customer = fake.billing.createCustomer({}).id
    await world.link(customer, 'hal')
    const has = (n: number) => payloadOnly.billing.has('hal', `feature-${n}`)
    const [first, second, third] = world.features(3) as [FakeObject, FakeObject, FakeObject]
    const told = async (features: readonly FakeObject[], hasMore: boolean) => {
      await receive(payloadOnly, world.entitled(customer, features, hasMore))
      await settle(payloadOnly)
    }

    await told([first, second], false)
    await told([third], true)
    assert.equal([await has(0), await has(1), await has(2)], [true, true, true])

    await told([third], false)
    assert.equal([await has(0), await has(1), await has(2)], [false, false, true])
  })
}
