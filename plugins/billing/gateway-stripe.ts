import * as z from 'zod'

import { checkoutFacts } from './checkout-shape.ts'
import type { CheckoutFacts } from './checkout-shape.ts'
import { E, isMissing } from './errors.ts'
import type { CheckoutOrder, EventPage, Gateway } from './gateway.ts'
import { time } from './json.ts'
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
const features = listOf(z.looseObject({ id: z.string(), lookup_key: z.string() }))
const price = object('price', 'price_')
const prices = listOf(price)
const endpoints = listOf(object('webhook_endpoint', 'we_'))
const balance = z.looseObject({ object: z.literal('balance'), livemode: z.boolean() })
const eventPage = listOf(object('event', 'evt_'))

/** A list that does not end before a thousand is not Stripe's. */
const maxPages = 10

/** Stripe, or FakeStripe: the same code. */
export class StripeGateway implements Gateway {
  readonly canRead = true
  readonly #line: StripeLine
  readonly #deadlineMs: number
  readonly #signal: AbortSignal | undefined

  constructor(line: StripeLine, deadlineMs: number, signal?: AbortSignal) {
    this.#line = line
    this.#deadlineMs = deadlineMs
    this.#signal = signal
  }

  until(signal: AbortSignal): Gateway {
    return new StripeGateway(this.#line, this.#deadlineMs, signal)
  }

  async createCustomer(owner: string, key: string): Promise<string> {
    const made = await this.#write('customers.create', customer, (stripe) =>
      stripe.customers.create({ metadata: { owner } }, { idempotencyKey: key }),
    )
    return made.id
  }

  /** A deleted one is still told of, with no more than that. */
  async hasCustomer(id: string): Promise<boolean> {
    try {
      const found = await this.#read('customers.retrieve', customer, (stripe) =>
        stripe.customers.retrieve(id),
      )
      return found['deleted'] !== true
    } catch (error) {
      if (!isMissing(error)) throw error
      return false
    }
  }

  async linkCustomer(id: string, owner: string, key: string): Promise<void> {
    await this.#write('customers.update', customer, (stripe) =>
      stripe.customers.update(id, { metadata: { owner } }, { idempotencyKey: key }),
    )
  }

  /** The owner goes onto the session and the subscription: either alone must say whose it is. */
  async createCheckout(order: CheckoutOrder): Promise<CheckoutFacts> {
    const metadata = { owner: order.owner, plan: order.plan }
    const made = await this.#write('checkout.sessions.create', session, (stripe) =>
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
        { idempotencyKey: order.key },
      ),
    )
    return checkoutFacts(made)
  }

  async expireCheckout(id: string, key: string): Promise<void> {
    await this.#write('checkout.sessions.expire', session, (stripe) =>
      stripe.checkout.sessions.expire(id, {}, { idempotencyKey: key }),
    )
  }

  async createPortal(id: string, returnUrl: string): Promise<string> {
    const made = await this.#write('billingPortal.sessions.create', portal, (stripe) =>
      stripe.billingPortal.sessions.create({ customer: id, return_url: returnUrl }),
    )
    return made.url
  }

  checkout(id: string): Promise<Json> {
    return this.#read('checkout.sessions.retrieve', session, (stripe) =>
      stripe.checkout.sessions.retrieve(id),
    )
  }

  subscription(id: string): Promise<Json> {
    return this.#read('subscriptions.retrieve', subscription, (stripe) =>
      stripe.subscriptions.retrieve(id),
    )
  }

  invoice(id: string): Promise<Json> {
    return this.#read('invoices.retrieve', invoice, (stripe) => stripe.invoices.retrieve(id))
  }

  async entitlements(id: string): Promise<readonly string[]> {
    const operation = 'entitlements.activeEntitlements.list'
    const held: z.output<typeof features>['data'] = []
    for (let page = 0; page < maxPages; page += 1) {
      const after = held.at(-1)?.id
      const { data, has_more: hasMore } = await this.#read(operation, features, (stripe) =>
        stripe.entitlements.activeEntitlements.list({
          customer: id,
          limit: 100,
          ...(after && { starting_after: after }),
        }),
      )
      held.push(...data)
      if (!hasMore) return held.map((feature) => feature.lookup_key)
    }
    throw E.stripe_invalid_response({ operation })
  }

  async probe(): Promise<{ livemode: boolean; date: Date | null }> {
    let date: Date | null = null
    const { livemode } = await this.#read('balance.retrieve', balance, async (stripe) => {
      const answer = await stripe.balance.retrieve()
      date = time(new Headers(answer.lastResponse.headers).get('date'))
      return answer
    })
    return { livemode, date }
  }

  async endpoints(): Promise<readonly Json[]> {
    const page = await this.#read('webhookEndpoints.list', endpoints, (stripe) =>
      stripe.webhookEndpoints.list({ limit: 100 }),
    )
    return page.data
  }

  price(id: string): Promise<Json> {
    return this.#read('prices.retrieve', price, (stripe) => stripe.prices.retrieve(id))
  }

  async priceByLookupKey(key: string): Promise<string | undefined> {
    const page = await this.#read('prices.list', prices, (stripe) =>
      stripe.prices.list({ lookup_keys: [key], active: true, limit: 1 }),
    )
    return page.data[0]?.id
  }

  async events(since: Date, after: string | undefined): Promise<EventPage> {
    const operation = 'events.list'
    const page = await this.#read(operation, eventPage, (stripe) =>
      stripe.events.list({
        created: { gte: Math.floor(since.getTime() / 1_000) },
        limit: 100,
        ...(after && { starting_after: after }),
      }),
    )
    if (!page.has_more) return { events: page.data, next: undefined }
    const next = page.data.at(-1)?.id
    if (next === undefined || next === after) throw E.stripe_invalid_response({ operation })
    return { events: page.data, next }
  }

  #read<T>(operation: string, answer: z.ZodType<T>, ask: Call<T>['ask']): Promise<T> {
    return this.#call({ operation, answer, ask, isRead: true })
  }

  #write<T>(operation: string, answer: z.ZodType<T>, ask: Call<T>['ask']): Promise<T> {
    return this.#call({ operation, answer, ask, isRead: false })
  }

  #call<T>(call: Omit<Call<T>, 'deadlineMs' | 'signal'>): Promise<T> {
    return this.#line.call({ ...call, deadlineMs: this.#deadlineMs, signal: this.#signal })
  }
}
