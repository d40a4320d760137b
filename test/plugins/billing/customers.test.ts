/** Who buys, and who he is at Stripe: deleted customers, those made elsewhere, and buying twice. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { count, embedded, emptied, fakeStripe, instance, proPrice } from './stage.ts'

const database = await embedded()
const fake = await fakeStripe({ seed: 12 })
fake.webhooks.send = () => undefined
const one = await instance({ database, fake })

let buyer = ''
let serial = 0
test.before.each(async () => {
  await emptied(database)
  fake.faults.clear()
  buyer = `buyer-${(serial += 1)}`
})

async function post(url: string, body?: object) {
  const answer = await one.plugin.inject({ method: 'POST', url, as: { subject: buyer }, body })
  const said = answer.json() as { code?: string; id?: string; url?: string; detail?: string }
  return { ...said, status: answer.status }
}
const order = () => post('/billing/checkout', { plan: 'pro' })
const portal = () => post('/billing/portal')

const customerOfSession = (id = '') => String(fake.billing.get(id, 'checkout.session')['customer'])

/** A subscription that was made in Stripe's dashboard: only its metadata say whose it is. */
async function madeElsewhere(change: object = {}): Promise<string> {
  const customer = fake.billing.createCustomer({}).id
  const sub = fake.billing.createSubscription({
    customer,
    items: [{ price: proPrice }],
    metadata: { owner: buyer },
  })
  fake.state.put({ ...fake.billing.get(sub.id, 'subscription'), ...change })
  await one.synchroniser.sync(sub.id)
  return customer
}

const customerOfPortal = (url = '') =>
  fake.billing.get(url.split('/').at(-1) ?? '', 'billing_portal.session')['customer']

test('nothing can be sold in payload mode', async () => {
  const silent = await instance({ database })
  const answer = await silent.plugin.inject({
    method: 'POST',
    url: '/billing/checkout',
    as: { subject: buyer },
    body: { plan: 'pro' },
  })

  assert.equal(
    [answer.status, (answer.json() as { code: string }).code],
    [503, 'billing_not_configured'],
  )
  await silent.stop()
})

test('a customer that Stripe has deleted, and told of, is followed by another', async () => {
  const first = await order()
  const customer = customerOfSession(first.id)
  fake.billing.expireSession(first.id ?? '')
  fake.billing.deleteCustomer(customer)
  await database.knex.raw(`update billing_customers set deleted_at = clock_timestamp()`)
  const second = await order()

  assert.is(second.status, 201)
  assert.is.not(customerOfSession(second.id), customer)
})

test('a customer whose deletion nobody told of is followed by another, again and again', async () => {
  const seen = new Set<string>()
  for (let n = 1; n <= 3; n += 1) {
    const { status, id = '' } = await order()
    assert.is(status, 201)
    seen.add(customerOfSession(id))
    fake.billing.expireSession(id)
    fake.billing.deleteCustomer(customerOfSession(id))
  }

  assert.is(seen.size, 3)
})

test('clicks at once, of whom Stripe has deleted the customer, are one customer and one checkout', async () => {
  const first = await order()
  fake.billing.expireSession(first.id ?? '')
  fake.billing.deleteCustomer(customerOfSession(first.id))
  const answers = await Promise.all([order(), order(), order()])

  assert.equal(
    answers.map(({ status }) => status),
    [201, 201, 201],
  )
  assert.is(new Set(answers.map(({ id }) => id)).size, 1)
  assert.is(await count(database, 'billing_customers'), 2)
})

test('a portal is for who has bought', async () => {
  assert.is((await portal()).code, 'customer_not_found')
  const { id } = await order()

  assert.is(customerOfPortal((await portal()).url), customerOfSession(id))
})

test('the portal of a customer that Stripe has deleted is that of nobody', async () => {
  const { id } = await order()
  fake.billing.deleteCustomer(customerOfSession(id))
  const { status, code } = await portal()

  assert.equal([status, code], [404, 'customer_not_found'])
})

test('a price that Stripe does not have is a fault of the set-up, and no 404', async () => {
  const lost = await instance({
    database,
    fake,
    config: { plans: { pro: { prices: ['price_of_another_account'] } } },
  })
  const answer = await lost.plugin.inject({
    method: 'POST',
    url: '/billing/checkout',
    as: { subject: buyer },
    body: { plan: 'pro' },
  })

  const { code, hint } = answer.json() as { code: string; hint: string }
  assert.equal([answer.status, code], [502, 'stripe_refused'])
  assert.match(hint, /billing doctor/)
  await lost.stop()
})

test('a customer that only his subscription names has his portal', async () => {
  const customer = await madeElsewhere()

  assert.is(customerOfPortal((await portal()).url), customer)
})

test('the portal is that of the customer with a subscription, whoever was first', async () => {
  await order()
  const customer = await madeElsewhere()

  assert.is(customerOfPortal((await portal()).url), customer)
})

test('who comes back after an end buys as the customer that he was', async () => {
  const customer = await madeElsewhere({ status: 'canceled' })

  assert.is(customerOfSession((await order()).id), customer)
})

for (const [status, change] of Object.entries({
  past_due: { status: 'past_due', items: { data: [] }, current_period_start: 1 },
  unpaid: { status: 'unpaid' },
  paused: { pause_collection: { behavior: 'void' } },
})) {
  test(`who has a subscription that is ${status} is sent to the portal, and never sold a second one`, async () => {
    await madeElsewhere(change)
    assert.is((await one.billing.plan(buyer)).active, false)
    const { status: answered, code } = await order()

    assert.equal([answered, code], [409, 'already_subscribed'])
    assert.is((await portal()).status, 200)
  })
}

test('who has paid for one plan in another tab is not sold a second, though no webhook has come', async () => {
  const { id: product } = fake.billing.createProduct({ name: 'team' })
  const price = fake.billing.createPrice({ product, unit_amount: 5_000, recurring: {} }).id
  const plans = { pro: { prices: [proPrice] }, team: { prices: [price] } }
  const two = await instance({ database, fake, config: { plans } })
  const buy = (plan: string) =>
    two.plugin.inject({
      method: 'POST',
      url: '/billing/checkout',
      as: { subject: buyer },
      body: { plan },
    })
  const pro = (await buy('pro')).json() as { id: string }
  const team = (await buy('team')).json() as { id: string }
  assert.is.not(team.id, pro.id)
  fake.billing.completeSession(pro.id)
  const again = await buy('team')

  assert.equal(
    [again.status, (again.json() as { detail: string }).detail],
    [409, "It is for the plan 'pro'."],
  )
  await two.stop()
})

for (const status of ['canceled', 'incomplete', 'incomplete_expired']) {
  test(`who has a subscription that is ${status} may buy`, async () => {
    await madeElsewhere({ status })

    assert.is((await order()).status, 201)
  })
}

test('everything ends', async () => {
  await one.stop()
  await fake.stop()
  await database.stop()
})

test.run()
