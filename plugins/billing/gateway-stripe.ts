import * as z from 'zod'

import { checkoutFacts } from './checkout-shape.ts'
import type { CheckoutFacts } from './checkout-shape.ts'
import type { CheckoutOrder, EventPage, Gateway } from './gateway.ts'
import { headerOf, time } from './json.ts'
import type { Json } from './json.ts'
import type { Call, StripeLine } from './stripe-line.ts'

/** An object of Stripe's, known by its name and the prefix of its id. */
const object = (name: string, prefix: string) =>
  z.looseObject({ id: z.string().startsWith(prefix), object: z.literal(name) })

const listOf = <T>(item: z.ZodType<T>) =>
  z.looseObject({ object: z.literal('list'), data: z.array(item), has_more: z.boolean() })

const customer = object('customer', 'cus_')
const session = object('checkout.session', 'cs_')
const subscription = object('subscription', 'sub_')
const invoice = object('invoice', 'in_')
const portal = z.looseObject({ object: z.literal('billing_portal.session'), url: z.url() })
const features = listOf(z.looseObject({ lookup_key: z.string() }))
const price = object('price', 'price_')
const prices = listOf(price)
const endpoints = listOf(object('webhook_endpoint', 'we_'))
const balance = z.looseObject({ object: z.literal('balance'), livemode: z.boolean() })
const eventPage = listOf(object('event', 'evt_'))

/** Stripe, or FakeStripe: the same code. */
export class StripeGateway implements Gateway {
  readonly canRead = true
  readonly #line: StripeLine
  readonly #deadlineMs: number

  constructor(line: StripeLine, deadlineMs: number) {
    this.#line = line
    this.#deadlineMs = deadlineMs
  }

  async createCustomer(owner: string, key: string): Promise<string> {
    const made = await this.#write('customers.create', customer, (stripe, options) =>
      stripe.customers.create({ metadata: { owner } }, { ...options, idempotencyKey: key }),
    )
    return made.id
  }

  async linkCustomer(id: string, owner: string, key: string): Promise<void> {
    await this.#write('customers.update', customer, (stripe, options) =>
      stripe.customers.update(id, { metadata: { owner } }, { ...options, idempotencyKey: key }),
    )
  }

  /** The owner goes onto the session and the subscription: either alone must say whose it is. */
  async createCheckout(order: CheckoutOrder): Promise<CheckoutFacts> {
    const metadata = { owner: order.owner, plan: order.plan }
    const made = await this.#write('checkout.sessions.create', session, (stripe, options) =>
      stripe.checkout.sessions.create(
        {
          mode: 'subscription',
          customer: order.customer,
          client_reference_id: order.owner.slice(0, 200),
          line_items: [{ price: order.price, quantity: order.quantity }],
          success_url: order.successUrl,
          cancel_url: order.cancelUrl,
          metadata,
          subscription_data: { metadata },
        },
        { ...options, idempotencyKey: order.key },
      ),
    )
    return checkoutFacts(made)
  }

  async expireCheckout(id: string, key: string): Promise<void> {
    await this.#write('checkout.sessions.expire', session, (stripe, options) =>
      stripe.checkout.sessions.expire(id, {}, { ...options, idempotencyKey: key }),
    )
  }

  async createPortal(id: string, returnUrl: string): Promise<string> {
    const made = await this.#write('billingPortal.sessions.create', portal, (stripe, options) =>
      stripe.billingPortal.sessions.create({ customer: id, return_url: returnUrl }, options),
    )
    return made.url
  }

  checkout(id: string): Promise<Json> {
    return this.#read('checkout.sessions.retrieve', session, (stripe, options) =>
      stripe.checkout.sessions.retrieve(id, {}, options),
    )
  }

  subscription(id: string): Promise<Json> {
    return this.#read('subscriptions.retrieve', subscription, (stripe, options) =>
      stripe.subscriptions.retrieve(id, {}, options),
    )
  }

  invoice(id: string): Promise<Json> {
    return this.#read('invoices.retrieve', invoice, (stripe, options) =>
      stripe.invoices.retrieve(id, {}, options),
    )
  }

  async entitlements(id: string): Promise<readonly string[]> {
    const page = await this.#read(
      'entitlements.activeEntitlements.list',
      features,
      (stripe, options) =>
        stripe.entitlements.activeEntitlements.list({ customer: id, limit: 100 }, options),
    )
    return page.data.map((feature) => feature.lookup_key)
  }

  async probe(): Promise<{ livemode: boolean; date: Date | null }> {
    let date: Date | null = null
    const { livemode } = await this.#read('balance.retrieve', balance, async (stripe, options) => {
      const answer = await stripe.balance.retrieve({}, options)
      date = time(headerOf(answer.lastResponse.headers, 'date'))
      return answer
    })
    return { livemode, date }
  }

  async endpoints(): Promise<readonly Json[]> {
    const page = await this.#read('webhookEndpoints.list', endpoints, (stripe, options) =>
      stripe.webhookEndpoints.list({ limit: 100 }, options),
    )
    return page.data
  }

  price(id: string): Promise<Json> {
    return this.#read('prices.retrieve', price, (stripe, options) =>
      stripe.prices.retrieve(id, {}, options),
    )
  }

  async priceByLookupKey(key: string): Promise<string | undefined> {
    const page = await this.#read('prices.list', prices, (stripe, options) =>
      stripe.prices.list({ lookup_keys: [key], active: true, limit: 1 }, options),
    )
    return page.data[0]?.id
  }

  async events(since: Date, after: string | undefined): Promise<EventPage> {
    const page = await this.#read('events.list', eventPage, (stripe, options) =>
      stripe.events.list(
        {
          created: { gte: Math.floor(since.getTime() / 1_000) },
          limit: 100,
          ...(after && { starting_after: after }),
        },
        options,
      ),
    )
    return { events: page.data, next: page.has_more ? page.data.at(-1)?.id : undefined }
  }

  #read<T>(operation: string, answer: z.ZodType<T>, ask: Call<T>['ask']): Promise<T> {
    return this.#line.call({ operation, answer, ask, isRead: true, deadlineMs: this.#deadlineMs })
  }

  #write<T>(operation: string, answer: z.ZodType<T>, ask: Call<T>['ask']): Promise<T> {
    return this.#line.call({ operation, answer, ask, isRead: false, deadlineMs: this.#deadlineMs })
  }
}
