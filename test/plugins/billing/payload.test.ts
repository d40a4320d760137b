import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { FakeBilling } from '../../../plugins/billing/fake-billing.ts'
import { FakeState } from '../../../plugins/billing/fake-state.ts'
import type { FakeObject } from '../../../plugins/billing/fake-state.ts'
import { list } from '../../../plugins/billing/json.ts'
import { newest } from '../../../plugins/billing/payload.ts'
import type { Told } from '../../../plugins/billing/payload.ts'
import { proPrice, realClock, seeded } from './stage.ts'

const second = new Date(1_700_000_000_000)

/** What Stripe would send for a life of one subscription, and the state that it ends in. */
function life(seed: number): { told: Told[]; final: FakeObject } {
  const random = seeded(seed)
  const state = new FakeState({ clock: realClock, random, dataDir: undefined })
  const events: FakeObject[] = []
  const billing = new FakeBilling(
    state,
    (event) => events.push(event),
    () => 'http://127.0.0.1',
  )
  billing.seedPlan(proPrice, 'pro', 2_000)
  const customer = billing.createCustomer({}).id
  const sub = billing.createSubscription({ customer, items: [{ price: proPrice }] }).id
  for (let step = 0; step < 3; step += 1) {
    const turn = random.float()
    if (turn < 0.25) billing.advance(31 * 86_400)
    else if (turn < 0.5) billing.updateSubscription(sub, { cancel_at_period_end: 'true' })
    else if (turn < 0.75) billing.updateSubscription(sub, { metadata: { step: String(step) } })
    else
      billing.updateSubscription(sub, {
        items: [{ id: itemOf(state, sub), quantity: String(step + 2) }],
      })
    if (state.find(sub)?.['status'] === 'canceled') break
  }
  const told = events
    .filter((event) => String(event['type']).startsWith('customer.subscription.'))
    .map((event) => ({
      type: String(event['type']),
      stripeCreated: new Date(Number(event['created']) * 1_000),
      raw: JSON.stringify(event),
    }))
  return { told, final: billing.get(sub, 'subscription') }
}

const itemOf = (state: FakeState, sub: string) => list(state.find(sub)?.['items'])[0]?.['id']

function shuffled<T>(items: readonly T[], random: { float: () => number }): T[] {
  return items
    .map((item) => ({ item, at: random.float() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

test('payloads alone give the last state, in whatever order they come: 500 lives', () => {
  let unsure = 0
  for (let seed = 1; seed <= 500; seed += 1) {
    const { told, final } = life(seed)
    const found = newest(shuffled(told, seeded(seed + 9_000)))
    if (!found?.isSure) unsure += 1
    else assert.equal(found.object, JSON.parse(JSON.stringify(final)), `seed ${seed}`)
  }
  assert.ok(unsure < 50, `${unsure} of 500 were unsure`)
})

const told = (type: string, object: object, previous?: object): Told => ({
  type: `customer.subscription.${type}`,
  stripeCreated: second,
  raw: JSON.stringify({ data: { object, previous_attributes: previous } }),
})

test('created and updated of one second end as the update, in both orders', () => {
  const created = told('created', { id: 'sub_1', status: 'incomplete' })
  const updated = told('updated', { id: 'sub_1', status: 'active' }, { status: 'incomplete' })

  for (const events of [
    [created, updated],
    [updated, created],
  ]) {
    assert.equal(newest(events)?.object, { id: 'sub_1', status: 'active' })
    assert.is(newest(events)?.isSure, true)
  }
})

test('what went away and came back within a second is followed along its chain', () => {
  const one = told('updated', { id: 'sub_1', status: 'active' }, { status: 'incomplete' })
  const two = told('updated', { id: 'sub_1', status: 'past_due' }, { status: 'active' })
  const three = told('updated', { id: 'sub_1', status: 'active' }, { status: 'past_due' })

  for (const events of [
    [one, two, three],
    [three, two, one],
    [two, three, one],
  ]) {
    assert.is(newest(events)?.object['status'], 'active')
    assert.is(newest(events)?.isSure, true)
  }
})

test('an ended subscription stays ended whatever is newer', () => {
  const deleted = told('deleted', { id: 'sub_1', status: 'canceled' })
  const late = {
    ...told('updated', { id: 'sub_1', status: 'active' }, {}),
    stripeCreated: new Date(second.getTime() + 9_000),
  }

  assert.is(newest([late, deleted])?.object['status'], 'canceled')
})

test('an order that cannot be told is said to be unsure', () => {
  const one = told('updated', { id: 'sub_1', status: 'active', n: 1 }, { n: 7 })
  const two = told('updated', { id: 'sub_1', status: 'active', n: 2 }, { n: 8 })

  assert.is(newest([one, two])?.isSure, false)
})

test('no event tells nothing', () => {
  assert.is(newest([]), undefined)
})

test.run()
