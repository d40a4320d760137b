/** FakeStripe's objects beside what Stripe publishes: the declarations of its SDK, and its official example objects. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { groupBy } from '../../../plugins/billing/group-by.ts'
import { list, record } from '../../../plugins/billing/json.ts'
import { thinTwin } from '../../../plugins/billing/fake-event.ts'
import { root } from '../../harness/root.ts'
import { DeclaredType } from './declarations.ts'
import { undeclared, unlike } from './likeness.ts'
import type { JsonObject } from './likeness.ts'
import { fakeStripe, proPrice } from './stage.ts'

const folder = join(root, 'test/plugins/billing/fixtures')
const official = JSON.parse(readFileSync(join(folder, 'stripe-openapi.json'), 'utf8')) as {
  readonly source: string
  readonly commit: string
  readonly copyright: string
  readonly licenseText: string
  readonly resources: Readonly<Record<string, JsonObject>>
}

const declared: Readonly<Record<string, DeclaredType>> = {
  balance: DeclaredType.of('Balance', 'Balance'),
  'billing_portal.session': DeclaredType.of('BillingPortal/Sessions', 'Session'),
  'checkout.session': DeclaredType.of('Checkout/Sessions', 'Session'),
  customer: DeclaredType.of('Customers', 'Customer'),
  deleted_customer: DeclaredType.of('Customers', 'DeletedCustomer'),
  event: DeclaredType.of('Events', 'EventBase'),
  invoice: DeclaredType.of('Invoices', 'Invoice'),
  line_item: DeclaredType.of('InvoiceLineItems', 'InvoiceLineItem'),
  plan: DeclaredType.of('Plans', 'Plan'),
  price: DeclaredType.of('Prices', 'Price'),
  product: DeclaredType.of('Products', 'Product'),
  subscription: DeclaredType.of('Subscriptions', 'Subscription'),
  subscription_item: DeclaredType.of('SubscriptionItems', 'SubscriptionItem'),
}

const newer = 'newer than the examples: it is in the declarations of the SDK’s own API version'
const ofFlexible = 'the example is of classic billing, ours of flexible'
/** Where FakeStripe is other than the examples, and means to be. */
const deliberate: Readonly<Record<string, string>> = {
  'checkout.session.allowed_payment_method_types: not in the example': newer,
  'product.tax_details: not in the example': newer,
  'subscription.items.data[].current_trial: not in the example': newer,
  'subscription_item.current_trial: not in the example': newer,
  'subscription.cancellation_details.feedback_option: not in the example': newer,
  'subscription.trial_settings.end_behavior.billing_cycle_anchor: not in the example': newer,
  'subscription.billing_mode.flexible.proration_discounts: not in the example': ofFlexible,
  'subscription.billing_mode.updated_at: not in the example': ofFlexible,
  'invoice.lines.data[].pricing.price_details: not in the example':
    'the example’s line is no price’s; ours always is',
  'line_item.pricing.price_details: not in the example':
    'the example’s line is no price’s; ours always is',
  'invoice.subscription: missing': 'gone since 2025-03-31.basil: it is in `parent`',
  'event.data.previous_attributes: not in the example': 'the example is no `.updated` event',
}

const fake = await fakeStripe({ seed: 5 })
const asked = async (path: string, method = 'GET'): Promise<JsonObject> => {
  const headers = { authorization: 'Bearer sk_test_1' }
  const answer = await fetch(`${fake.url}/v1/${path}`, { method, headers })
  return record(await answer.json())
}

const paths: Readonly<Record<string, string>> = {
  customer: 'customers',
  product: 'products',
  price: 'prices',
  'checkout.session': 'checkout/sessions',
  subscription: 'subscriptions',
  invoice: 'invoices',
  event: 'events',
}

/** All that FakeStripe has now, as it comes over the wire. */
async function everything(): Promise<JsonObject[]> {
  const found = Object.entries(paths).flatMap(([object, path]) =>
    fake.state.all(object).map(({ id }) => asked(`${path}/${id}`)),
  )
  return Promise.all(found)
}

/** Every state that an object of ours can be in, each looked at while it lasts. */
async function lives(): Promise<JsonObject[]> {
  const { billing, state } = fake
  const seen: JsonObject[] = []
  const look = async () => void seen.push(...(await everything()))
  const customer = billing.createCustomer({ email: 'a@example.com', metadata: { owner: 'a' } }).id
  const order = { customer, line_items: [{ price: proPrice, quantity: '2' }] }
  const urls = { success_url: 'http://localhost/', cancel_url: 'http://localhost/' }
  const session = billing.createSession({ ...order, ...urls, client_reference_id: 'a' }).id
  await look()
  billing.completeSession(session)
  billing.expireSession(billing.createSession({ ...order, ...urls }).id)
  const sub = String(state.find(session)?.['subscription'])
  await look()
  billing.updateSubscription(sub, { pause_collection: { behavior: 'void' } })
  await look()
  billing.updateSubscription(sub, { pause_collection: '', cancel_at_period_end: 'true' })
  const items = [{ price: proPrice }]
  billing.createSubscription({ customer, items, trial_period_days: 7 })
  state.failing.add(customer)
  billing.createSubscription({ customer, items })
  await look()
  billing.advance(31 * 86_400)
  billing.updateCustomer(customer, { name: 'A' })
  await look()
  const portal = billing.createPortal({ customer, return_url: 'http://localhost/' })
  const deleted = await asked(`customers/${customer}`, 'DELETE')
  return [...seen, await asked('balance'), record(JSON.parse(JSON.stringify(portal))), deleted]
}

/** With the members of their lists: those have examples of their own. */
function named(objects: readonly JsonObject[]): ReturnType<typeof groupBy<JsonObject>> {
  const all = objects.flatMap((object) => {
    const items = list(record(object['items'])['data'])
    const lines = list(record(object['lines'])['data'])
    return [object, ...items, ...lines, ...items.map((item) => record(item['plan']))]
  })
  const nameOf = (object: JsonObject) =>
    object['deleted'] === true ? `deleted_${String(object['object'])}` : String(object['object'])
  return groupBy(all, nameOf)
}

const seen = named(await lives())
const uniqueOf = (all: readonly string[]) => [...new Set(all)]

/** An event is about any object: that one has an example of its own. */
const aboutOthers = (difference: string) => difference.startsWith('event.data.object.')

test('an object of every kind was made, subscriptions in every status that FakeStripe knows', () => {
  const statuses = (seen.get('subscription') ?? []).map(({ status }) => String(status))

  assert.equal([...seen.keys()].toSorted(), Object.keys(declared).toSorted())
  assert.equal(uniqueOf(statuses).toSorted(), [
    'active',
    'canceled',
    'incomplete',
    'past_due',
    'trialing',
  ])
})

for (const [name, type] of Object.entries(declared)) {
  test(`${name}: every field that Stripe’s declarations promise is there, of its type, and no other`, () => {
    const objects = seen.get(name) ?? []

    assert.ok((type.fields?.size ?? 0) > 2, `the declaration of ${name} was found`)
    assert.ok(objects.length > 0)
    assert.equal(uniqueOf(objects.flatMap((object) => undeclared(object, type, name))), [])
  })

  test(`${name}: the fields and types are those of Stripe’s official example`, () => {
    const example = official.resources[name]
    assert.ok(example, `an example of ${name}`)
    const found = (seen.get(name) ?? []).flatMap((object) => unlike(object, example, type, name))

    const unmeant = uniqueOf(found).filter((one) => !(one in deliberate) && !aboutOthers(one))
    assert.equal(unmeant, [])
  })
}

test('what an event is about is like the example of that object', () => {
  const about = named((seen.get('event') ?? []).map(({ data }) => record(record(data)['object'])))
  const found = [...about].flatMap(([name, objects]) =>
    objects.flatMap((object) => unlike(object, official.resources[name], declared[name], name)),
  )

  assert.ok(about.size >= 4, [...about.keys()].join())
  assert.equal(
    uniqueOf(found).filter((one) => !(one in deliberate)),
    [],
  )
})

test('a thin event is declared but for what it is about, which leads to that object', async () => {
  const type = DeclaredType.of('V2/Core/Events', 'EventBase')
  const thin = fake.state.all('event').map(thinTwin)
  const found = uniqueOf(thin.flatMap((event) => undeclared(event, type, 'thin')))
  assert.equal(found, ['thin.related_object: not declared'])

  for (const event of thin) {
    const { id, url } = record(event['related_object'])
    const there = await asked(String(url).replace('/v1/', ''))
    assert.is(there['id'], id, String(url))
  }
})

test('every deliberate difference is one', () => {
  const about = (seen.get('event') ?? []).map(({ data }) => record(record(data)['object']))
  const found = [...seen, ...named(about)].flatMap(([name, objects]) =>
    objects.flatMap((object) => unlike(object, official.resources[name], declared[name], name)),
  )

  assert.equal(
    Object.keys(deliberate).filter((one) => !found.includes(one)),
    [],
  )
})

test('the examples say where they come from, and under which licence', () => {
  const license = readFileSync(join(folder, official.licenseText), 'utf8')

  assert.match(official.commit, /^[0-9a-f]{40}$/)
  assert.match(official.source, new RegExp(`stripe/openapi/blob/${official.commit}/`))
  assert.ok(license.includes(official.copyright))
  assert.match(license, /this permission notice shall be included in/)
  assert.equal(
    Object.keys(official.resources).toSorted(),
    Object.keys(declared).toSorted(),
    'no more than the objects in use',
  )
})

test('everything ends', () => fake.stop())

test.run()
