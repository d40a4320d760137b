import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { checkoutFacts } from '../../../plugins/billing/checkout-shape.ts'
import { familyOf, readEvent } from '../../../plugins/billing/event-shape.ts'
import { invoiceFacts, provisional } from '../../../plugins/billing/invoice-shape.ts'
import { record } from '../../../plugins/billing/json.ts'
import { subscriptionFacts } from '../../../plugins/billing/subscription-shape.ts'

const [start, end] = [1_700_000_000, 1_702_592_000]
const date = (seconds: number) => new Date(seconds * 1_000)

/** One subscription as every generation of the API has told it. */
const subscriptions: Record<string, object> = {
  '2019-05-16, one plan on top': {
    id: 'sub_1',
    object: 'subscription',
    customer: 'cus_1',
    status: 'active',
    plan: { id: 'price_1', object: 'plan', product: 'prod_1' },
    quantity: 2,
    current_period_start: start,
    current_period_end: end,
  },
  '2020-08-27, periods on top': {
    id: 'sub_1',
    object: 'subscription',
    customer: 'cus_1',
    status: 'active',
    current_period_start: start,
    current_period_end: end,
    items: {
      object: 'list',
      data: [
        {
          id: 'si_1',
          quantity: 2,
          plan: { id: 'price_1', product: 'prod_1' },
          price: { id: 'price_1', product: 'prod_1', lookup_key: null },
        },
      ],
    },
  },
  '2025-03-31.basil, periods on the items': {
    id: 'sub_1',
    object: 'subscription',
    customer: 'cus_1',
    status: 'active',
    items: {
      object: 'list',
      data: [
        {
          id: 'si_1',
          quantity: 2,
          price: { id: 'price_1', product: 'prod_1' },
          current_period_start: start,
          current_period_end: end,
        },
      ],
    },
  },
  '2026-10-28.endive, everything expanded': {
    id: 'sub_1',
    object: 'subscription',
    customer: { id: 'cus_1', object: 'customer' },
    status: 'active',
    latest_invoice: { id: 'in_1', object: 'invoice' },
    items: {
      object: 'list',
      data: [
        {
          id: 'si_1',
          quantity: 2,
          price: { id: 'price_1', product: { id: 'prod_1', object: 'product' } },
          current_period_start: start,
          current_period_end: end,
        },
      ],
    },
  },
}

for (const [version, object] of Object.entries(subscriptions)) {
  test(`a subscription of ${version} is read`, () => {
    const facts = subscriptionFacts(object)

    assert.is(facts?.customer, 'cus_1')
    assert.equal(facts?.currentPeriodStart, date(start))
    assert.equal(facts?.currentPeriodEnd, date(end))
    assert.is(facts?.items[0]?.price, 'price_1')
    assert.is(facts?.items[0]?.product, 'prod_1')
    assert.is(facts?.items[0]?.quantity, 2)
  })
}

test('a cancellation to come is one moment, whichever field tells of it', () => {
  const base = subscriptions['2025-03-31.basil, periods on the items']

  assert.equal(subscriptionFacts({ ...base, cancel_at_period_end: true })?.cancelAt, date(end))
  assert.equal(subscriptionFacts({ ...base, cancel_at: end + 5 })?.cancelAt, date(end + 5))
  assert.is(subscriptionFacts({ ...base, cancel_at_period_end: false })?.cancelAt, null)
})

test('collection that is paused is the status paused', () => {
  const base = subscriptions['2025-03-31.basil, periods on the items']

  assert.is(
    subscriptionFacts({ ...base, pause_collection: { behavior: 'void' } })?.status,
    'paused',
  )
})

/** Where an invoice names its subscription. */
const invoices: Record<string, object> = {
  '2020-08-27, on top': { subscription: 'sub_1' },
  '2024, on top and expanded': { subscription: { id: 'sub_1', object: 'subscription' } },
  '2025-03-31.basil, in parent': {
    parent: { type: 'subscription_details', subscription_details: { subscription: 'sub_1' } },
  },
  'a line of 2020': { lines: { object: 'list', data: [{ id: 'il_1', subscription: 'sub_1' }] } },
  'a line of 2025': {
    lines: {
      data: [
        { id: 'il_0', parent: null },
        { id: 'il_1', parent: { subscription_item_details: { subscription: 'sub_1' } } },
      ],
    },
  },
}

for (const [shape, object] of Object.entries(invoices)) {
  test(`an invoice names its subscription: ${shape}`, () => {
    assert.is(
      invoiceFacts(record({ id: 'in_1', object: 'invoice', ...object })).subscription,
      'sub_1',
    )
  })
}

test('a paid invoice tells enough to begin with', () => {
  const facts = provisional(
    {
      id: 'in_1',
      object: 'invoice',
      customer: 'cus_1',
      status: 'paid',
      parent: { subscription_details: { subscription: 'sub_1', metadata: { owner: 'alice' } } },
      lines: {
        data: [
          {
            id: 'il_1',
            pricing: { price_details: { price: 'price_1', product: 'prod_1' } },
            period: { start, end },
          },
        ],
      },
    },
    false,
  )

  assert.is(facts?.id, 'sub_1')
  assert.is(facts?.owner, 'alice')
  assert.is(facts?.items[0]?.price, 'price_1')
  assert.equal(facts?.currentPeriodEnd, date(end))
})

test('an invoice that is not paid makes no subscription', () => {
  const open = { customer: 'cus_1', status: 'open', subscription: 'sub_1' }

  assert.is(provisional(open, false), undefined)
})

test('our metadata beats what a payment link was given', () => {
  const session = { id: 'cs_1', client_reference_id: 'link', metadata: { owner: 'alice' } }

  assert.is(checkoutFacts(session).owner, 'alice')
  assert.is(checkoutFacts({ ...session, metadata: {} }).owner, 'link')
})

const snapshot = {
  id: 'evt_1',
  object: 'event',
  api_version: '2020-08-27',
  created: start,
  livemode: true,
  type: 'invoice.paid',
  data: { object: { id: 'in_1', object: 'invoice', subscription: 'sub_1' } },
}
const thin = {
  id: 'evt_2',
  object: 'v2.core.event',
  type: 'v1.invoice.paid',
  created: '2023-11-14T22:13:20.000Z',
  livemode: true,
  related_object: { id: 'in_1', type: 'invoice', url: '/v1/invoices/in_1' },
  snapshot_event: 'evt_1',
}

test('both forms of one event are one: same key, same type, same second', () => {
  const [a, b] = [readEvent(JSON.stringify(snapshot)), readEvent(JSON.stringify(thin))]

  assert.is(a?.dedupeId, b?.dedupeId)
  assert.is(a?.type, b?.type)
  assert.equal(a?.stripeCreated, b?.stripeCreated)
  assert.is(a?.subject, 'sub_1')
  assert.is(b?.subject, 'in_1')
})

test('an event about an object without an id is an event', () => {
  const { data: _, ...rest } = snapshot
  const upcoming = {
    ...rest,
    type: 'invoice.upcoming',
    data: { object: { object: 'invoice', subscription: 'sub_1' } },
  }

  const event = readEvent(JSON.stringify(upcoming))
  assert.is(event?.objectId, null)
  assert.is(event?.subject, 'sub_1')
})

test('what is signed and no event is told apart', () => {
  const bodies = [
    '',
    'x',
    'null',
    '[]',
    '1',
    '{}',
    '{"object":"event"}',
    JSON.stringify({ ...snapshot, id: 'a b' }),
    JSON.stringify({ ...snapshot, created: 'soon' }),
    JSON.stringify({ ...snapshot, object: 'list' }),
  ]

  for (const body of bodies) assert.is(readEvent(body), undefined, body)
})

test('families: ours are handled, others are kept', () => {
  assert.is(familyOf('customer.subscription.pending_update_applied'), 'subscription')
  assert.is(familyOf('checkout.session.async_payment_failed'), 'checkout')
  assert.is(familyOf('invoice.upcoming'), 'invoice')
  assert.is(familyOf('customer.deleted'), 'customer')
  assert.is(familyOf('entitlements.active_entitlement_summary.updated'), 'entitlements')
  for (const type of ['charge.refunded', 'customer.source.expiring', 'invoiceitem.created', 'x']) {
    assert.is(familyOf(type), undefined, type)
  }
})

test('no shape at all makes a reader throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const object = record(value)
      subscriptionFacts(value)
      invoiceFacts(object)
      checkoutFacts(object)
      provisional(object, true)
      readEvent(JSON.stringify({ ...snapshot, data: value }))
      readEvent(JSON.stringify({ ...thin, related_object: value }))
      subscriptionFacts({
        id: 'sub_1',
        customer: value,
        status: 'active',
        items: value,
        metadata: value,
      })
    }),
    { numRuns: 500, seed: 8 },
  )
})

test.run()
