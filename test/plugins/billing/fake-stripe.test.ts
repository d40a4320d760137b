import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'

import Stripe from 'stripe'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { idOf } from '../../../plugins/billing/json.ts'
import { until } from '../../harness/until.ts'
import { fakeStripe, proPrice } from './stage.ts'

const fake = await fakeStripe({ seed: 5 })
const received: { body: string; signature: string }[] = []
fake.webhooks.deliverTo((body, signature) => {
  received.push({ body, signature })
  return Promise.resolve(true)
})

const clientOf = (url: string) =>
  new Stripe('sk_test_1', {
    host: new URL(url).hostname,
    port: new URL(url).port,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 0,
  })
const stripe = clientOf(fake.url)

const refusal = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  )

interface Sold {
  readonly customer: Stripe.Customer
  readonly product: Stripe.Product
  readonly price: Stripe.Price
  readonly session: Stripe.Checkout.Session
  readonly subscription: Stripe.Subscription
  readonly invoice: Stripe.Invoice
}

/** A sale from end to end, through Stripe's own SDK. */
async function sale(): Promise<Sold> {
  const customer = await stripe.customers.create({
    metadata: { owner: 'alice' },
    email: 'a@example.com',
  })
  const product = await stripe.products.create({ name: 'Pro' })
  const price = await stripe.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 1_500,
    lookup_key: `key_${product.id}`,
    recurring: { interval: 'month' },
  })
  const session = await stripe.checkout.sessions.create({
    mode: 'subscription',
    customer: customer.id,
    line_items: [{ price: price.id, quantity: 2 }],
    success_url: 'http://localhost/{CHECKOUT_SESSION_ID}',
    subscription_data: { metadata: { owner: 'alice' } },
  })
  await fetch(session.url ?? '', { method: 'POST', redirect: 'manual' })
  const paid = await stripe.checkout.sessions.retrieve(session.id)
  const subscription = await stripe.subscriptions.retrieve(idOf(paid.subscription) ?? '')
  const invoice = await stripe.invoices.retrieve(idOf(subscription.latest_invoice) ?? '')
  return { customer, product, price, session: paid, subscription, invoice }
}

const sold = await sale()

test('a sale ends active, with the money and the metadata in their places', () => {
  assert.is(sold.session.status, 'complete')
  assert.is(sold.subscription.status, 'active')
  assert.equal(sold.subscription.metadata, { owner: 'alice' })
  assert.is(sold.invoice.amount_paid, 3_000)
  assert.is(sold.invoice.parent?.subscription_details?.subscription, sold.subscription.id)
})

test('where it overlaps with stripe-stateful-mock, fields that both have are of one type', async () => {
  const required = createRequire(import.meta.url)
  const { createExpressApp } = required('stripe-stateful-mock') as {
    createExpressApp: () => RequestListener
  }
  const server = createServer(createExpressApp())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const other = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const customer = await other.customers.create({
    metadata: { owner: 'alice' },
    email: 'a@example.com',
  })
  const product = await other.products.create({ name: 'Pro', type: 'service' })
  const price = await other.prices.create({
    product: product.id,
    currency: 'usd',
    unit_amount: 1_500,
    recurring: { interval: 'month' },
  })
  server.closeAllConnections()
  server.close()

  const kind = (value: unknown) => (Array.isArray(value) ? 'array' : typeof value)
  let compared = 0
  for (const [theirs, ours] of [
    [customer, sold.customer],
    [product, sold.product],
    [price, sold.price],
  ] as const) {
    for (const [field, value] of Object.entries(theirs)) {
      const mine = (ours as unknown as Record<string, unknown>)[field]
      if (mine === undefined || mine === null || value === null) continue
      assert.is(kind(mine), kind(value), `${theirs.object}.${field}`)
      compared += 1
    }
  }
  assert.ok(compared > 20, `${compared} fields compared`)
})

test('the same idempotency key is the same object, and other words under it are refused', async () => {
  const key = { idempotencyKey: 'k1' }
  const a = await stripe.customers.create({ email: 'k@example.com' }, key)
  const b = await stripe.customers.create({ email: 'k@example.com' }, key)

  assert.is(a.id, b.id)
  assert.is(
    await refusal(stripe.customers.create({ email: 'l@example.com' }, key)),
    'idempotency_key_in_use',
  )
})

test('what is not there is resource_missing, and an unknown address is refused', async () => {
  assert.is(await refusal(stripe.subscriptions.retrieve('sub_nope')), 'resource_missing')
  assert.is(
    await refusal(
      stripe.checkout.sessions.create({
        mode: 'subscription',
        line_items: [{ price: 'price_nope' }],
      }),
    ),
    'resource_missing',
  )
  assert.is(await refusal(stripe.charges.list()), 'url_invalid')
})

test('prices are found by their lookup key', async () => {
  const found = await stripe.prices.list({ lookup_keys: [sold.price.lookup_key ?? ''] })

  assert.equal(
    found.data.map(({ id }) => id),
    [sold.price.id],
  )
})

test('events are listed in pages, the newest first', async () => {
  const all: string[] = []
  for await (const event of stripe.events.list({ limit: 3 })) all.push(event.id)

  assert.is(all.length, fake.state.all('event').length)
  assert.equal(
    all,
    fake.state.all('event').map(({ id }) => id),
  )
})

test('webhooks are signed as Stripe’s SDK expects, duplicated and in both forms when told to', async () => {
  fake.webhooks.knobs = {
    ...fake.webhooks.knobs,
    copies: 2,
    forms: ['snapshot', 'thin'],
    shuffle: true,
  }
  const customer = await stripe.customers.create({})
  const own = () => received.filter(({ body }) => body.includes(customer.id))
  await until(() => own().length >= 4)
  await new Promise((resolve) => setTimeout(resolve, 50)) // for one too many

  assert.is(own().length, 4)
  for (const { body, signature } of own()) {
    const isThin = (JSON.parse(body) as { object: string }).object === 'v2.core.event'
    const read = isThin
      ? await stripe.parseEventNotificationAsync(body, signature, fake.state.secret)
      : await stripe.webhooks.constructEventAsync(body, signature, fake.state.secret)
    assert.match(read.type, /customer\.created$/)
  }
})

test('a month later a subscription is renewed, and ends past due when the card fails', async () => {
  const before = sold.subscription.items.data[0]?.current_period_end ?? 0
  fake.billing.advance(31 * 86_400)
  const renewed = await stripe.subscriptions.retrieve(sold.subscription.id)
  fake.state.failing.add(sold.customer.id)
  fake.billing.advance(31 * 86_400)
  const failed = await stripe.subscriptions.retrieve(sold.subscription.id)

  assert.is(renewed.items.data[0]?.current_period_start, before)
  assert.is(renewed.status, 'active')
  assert.is(failed.status, 'past_due')
})

test('a trial begins without a payment, and becomes active by one', async () => {
  const trial = await stripe.subscriptions.create({
    customer: (await stripe.customers.create({})).id,
    items: [{ price: proPrice }],
    trial_period_days: 7,
  })
  assert.is(trial.status, 'trialing')
  fake.billing.advance(8 * 86_400)

  assert.is((await stripe.subscriptions.retrieve(trial.id)).status, 'active')
})

test('only this machine may click, and no page of another site', async () => {
  const { url } = await stripe.checkout.sessions.create({
    mode: 'subscription',
    line_items: [{ price: proPrice, quantity: 1 }],
  })
  const foreign = await fetch(url ?? '', {
    method: 'POST',
    headers: { origin: 'https://evil.example' },
  })

  assert.is(foreign.status, 403)
})

test('in a container it listens for the published port, and its page still leads to 127.0.0.1', async () => {
  const inside = await fakeStripe({ host: '0.0.0.0' })
  const [address] = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
  const { port } = new URL(inside.url)
  const from = async (host: string) => (await fetch(`http://${host}:${port}/`)).status
  const statuses = [await from('127.0.0.1'), address && (await from(address.address))]
  await inside.stop()

  assert.equal(statuses, [200, address && 403])
})

test('without a key nothing is answered', async () => {
  const answer = await fetch(`${fake.url}/v1/customers`)

  assert.is(answer.status, 401)
})

test('everything ends', () => fake.stop())

test.run()
