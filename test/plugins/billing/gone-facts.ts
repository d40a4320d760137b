import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { eventObject, thinTwin } from '../../../plugins/billing/fake-event.ts'
import { count, eventsIn, settle } from './stage.ts'
import type { World } from './worker-world.ts'

/** What becomes of events whose object is not at Stripe any more, on every database. */
export function goneFacts(test: Test, world: World): void {
  const { database, fake, one, sent, receive, buy } = world

  for (const [type, object] of [
    ['invoice.deleted', { id: 'in_draft', object: 'invoice' }],
    ['checkout.session.expired', { id: 'cs_test_gone', object: 'checkout.session' }],
  ] as const) {
    test(`a thin ${type} whose object is gone is done, and keeps back no other`, async () => {
      buy()
      const event = eventObject('evt_of_gone', fake.state.now(), { type, object, previous: {} })
      await receive(one, thinTwin(event), ...sent)
      await settle(one)

      const rows = await eventsIn(database)
      const [found] = rows.filter(({ eventId }) => eventId.startsWith('evt_of_gone'))
      assert.equal([found?.status, found?.lastError], ['done', 'Stripe does not have it'])
      assert.ok(rows.every(({ status }) => status === 'done' || status === 'ignored'))
    })
  }

  test('a customer who was deleted has no feature of Stripe Entitlements left', async () => {
    const customer = fake.billing.createCustomer({}).id
    await world.link(customer, 'hal')
    const [feature] = world.features(1)
    fake.state.put({ id: `${customer}:features`, object: 'fake.features', data: [feature] })
    await receive(one, world.entitled(customer, world.features(1), false))
    await settle(one)
    assert.is(await one.billing.has('hal', 'feature-0'), true)

    fake.faults.add({ kind: 'missing', path: '/entitlements/', times: 1 })
    await receive(one, world.entitled(customer, [], false))
    await settle(one)
    assert.is(await one.billing.has('hal', 'feature-0'), false)
    assert.is(await count(database, 'billing_entitlements'), 0)
  })
}
