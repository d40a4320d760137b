import { customerObject, lengthOf, priceObject, productObject } from './fake-catalog.ts'
import { equal, previousOf } from './fake-change.ts'
import { portalObject, sessionObject } from './fake-checkout.ts'
import { eventObject } from './fake-event.ts'
import { invoiceObject } from './fake-invoice.ts'
import { FakeRefusal } from './fake-refusal.ts'
import { itemObject, pauseOf, subscriptionObject } from './fake-subscription.ts'
import type { FakeObject, FakeState } from './fake-state.ts'
import { list, record, text } from './json.ts'
import type { Json } from './json.ts'

const missing = (id: string) => new FakeRefusal(404, 'resource_missing', `No such object: '${id}'`)

/** What Stripe does with subscriptions: every change is a new version of an object, and an event. */
export class FakeBilling {
  readonly #state: FakeState
  readonly #tell: (event: FakeObject) => void
  readonly #base: () => string

  constructor(state: FakeState, tell: (event: FakeObject) => void, base: () => string) {
    this.#state = state
    this.#tell = tell
    this.#base = base
  }

  get(id: string, object: string): FakeObject {
    const found = this.#state.find(id, object)
    if (!found) throw missing(id)
    return found['status'] === 'open' && object === 'checkout.session'
      ? { ...found, url: this.#payUrl(id) }
      : found
  }

  /** The port may be another since it was made. */
  #payUrl(id: string): string {
    return `${this.#base()}/c/pay/${id}`
  }

  /** A product and a monthly price for a plan that has none. */
  seedPlan(price: string, name: string, amount: number): void {
    if (this.#state.find(price)) return
    const now = this.#state.now()
    const product = this.#state.put(productObject(`prod_${price.slice(6)}`, now, { name }))
    const params = {
      product: product.id,
      unit_amount: amount,
      lookup_key: `${name}_month`,
      recurring: { interval: 'month' },
    }
    this.#state.put(priceObject(price, now, params))
  }

  createCustomer(params: Json): FakeObject {
    const customer = this.#state.put(
      customerObject(this.#state.id('cus'), this.#state.now(), params),
    )
    this.#emit('customer.created', customer)
    return customer
  }

  updateCustomer(id: string, params: Json): FakeObject {
    const before = this.#customer(id)
    return this.#change(before, { ...params, metadata: merged(before, params) }, 'customer.updated')
  }

  deleteCustomer(id: string): Json {
    const customer = this.#customer(id)
    for (const subscription of this.#subscriptionsOf(id)) this.cancelSubscription(subscription.id)
    this.#state.put({ ...customer, deleted: true })
    this.#emit('customer.deleted', customer)
    return { id, object: 'customer', deleted: true }
  }

  /** Nothing more can be done with a deleted one. */
  #customer(id: string): FakeObject {
    const found = this.get(id, 'customer')
    if (found['deleted'] === true) throw missing(id)
    return found
  }

  createProduct(params: Json): FakeObject {
    return this.#state.put(productObject(this.#state.id('prod'), this.#state.now(), params))
  }

  createPrice(params: Json): FakeObject {
    this.get(text(params['product']) ?? '', 'product')
    return this.#state.put(priceObject(this.#state.id('price'), this.#state.now(), params))
  }

  createSession(params: Json): FakeObject {
    const id = this.#state.id('cs_test')
    const lines = list(params['line_items'])
    const amount = lines.reduce((sum, line) => {
      const price = this.get(text(line['price']) ?? '', 'price')
      return sum + Number(price['unit_amount']) * Number(line['quantity'] ?? 1)
    }, 0)
    if (lines.length === 0) throw new FakeRefusal(400, 'parameter_missing', 'line_items is empty')
    const customer = text(params['customer']) ?? this.createCustomer({}).id
    this.#customer(customer)
    const url = this.#payUrl(id)
    const session = sessionObject(id, this.#state.now(), { ...params, customer, url, amount })
    // Not a field of Stripe's session: what completing it needs, kept beside it.
    this.#state.put({
      id: `${id}:order`,
      object: 'fake.order',
      lines,
      subscription: params['subscription_data'],
    })
    return this.#state.put(session)
  }

  /** The buyer pays: everything that follows happens within one second, as it does at Stripe. */
  completeSession(id: string): FakeObject {
    const session = this.get(id, 'checkout.session')
    if (session['status'] !== 'open') return session
    const order = record(this.#state.find(`${id}:order`))
    const subscription = this.createSubscription({
      ...record(order['subscription']),
      customer: session['customer'],
      items: order['lines'],
    })
    return this.#change(
      session,
      {
        status: 'complete',
        payment_status: 'paid',
        subscription: subscription.id,
        invoice: subscription['latest_invoice'],
        url: null,
      },
      'checkout.session.completed',
    )
  }

  expireSession(id: string): FakeObject {
    const session = this.get(id, 'checkout.session')
    if (session['status'] !== 'open') {
      throw new FakeRefusal(400, 'resource_not_open', 'Only open sessions can be expired')
    }
    return this.#change(session, { status: 'expired', url: null }, 'checkout.session.expired')
  }

  createSubscription(params: Json): FakeObject {
    const [id, now] = [this.#state.id('sub'), this.#state.now()]
    const customer = text(params['customer']) ?? ''
    this.#customer(customer)
    const trialDays = Number(params['trial_period_days'] ?? 0)
    const trialEnd = trialDays > 0 ? now + trialDays * 86_400 : null
    const items = list(params['items']).map((item) => this.#item(id, item, now, trialEnd))
    if (items.length === 0) throw new FakeRefusal(400, 'parameter_missing', 'items is empty')
    const made = this.#state.put(
      subscriptionObject(id, now, { customer, items, metadata: params['metadata'], trialEnd }),
    )
    this.#emit('customer.subscription.created', made)
    return trialEnd === null ? this.#bill(made, 'subscription_create', 'incomplete') : made
  }

  updateSubscription(id: string, params: Json): FakeObject {
    const before = this.get(id, 'subscription')
    if (before['status'] === 'canceled') throw missing(id)
    const patch: Record<string, unknown> = { metadata: merged(before, params) }
    if ('cancel_at_period_end' in params) Object.assign(patch, this.#endOf(before, params))
    if ('pause_collection' in params) patch['pause_collection'] = pauseOf(params)
    if (list(params['items']).length > 0)
      patch['items'] = this.#swapped(before, list(params['items']))
    return this.#change(before, patch, 'customer.subscription.updated')
  }

  cancelSubscription(id: string): FakeObject {
    const before = this.get(id, 'subscription')
    if (before['status'] === 'canceled') throw missing(id)
    const now = this.#state.now()
    const patch = { status: 'canceled', canceled_at: before['canceled_at'] ?? now, ended_at: now }
    return this.#change(before, patch, 'customer.subscription.deleted')
  }

  createPortal(params: Json): FakeObject {
    const customer = this.#customer(text(params['customer']) ?? '')
    const id = this.#state.id('bps')
    const url = `${this.#base()}/p/session/${id}`
    const returnUrl = text(params['return_url'])
    return this.#state.put(
      portalObject(id, this.#state.now(), { customer: customer.id, returnUrl, url }),
    )
  }

  /** Lets time pass: trials end, periods renew or fail, what was to end ends. */
  advance(by: number): void {
    this.#state.advance(by)
    for (const { id } of this.#state.all('subscription')) this.#catchUp(id)
  }

  #catchUp(id: string): void {
    for (let round = 0; round < 120; round += 1) {
      const subscription = this.get(id, 'subscription')
      const isOver = ['canceled', 'incomplete'].includes(String(subscription['status']))
      if (isOver || endOf(subscription) > this.#state.now()) return
      if (subscription['cancel_at_period_end'] === true) this.cancelSubscription(id)
      else this.#renew(subscription)
    }
  }

  #renew(subscription: FakeObject): void {
    const items = list(subscription['items']).map((item) => ({
      ...item,
      current_period_start: item['current_period_end'],
      current_period_end: Number(item['current_period_end']) + lengthOf(record(item['price'])),
    }))
    const wasTrial = subscription['status'] === 'trialing'
    const moved = this.#change(
      subscription,
      {
        items: { ...record(subscription['items']), data: items },
        ...(wasTrial && { status: 'active' }),
      },
      'customer.subscription.updated',
    )
    this.#bill(moved, 'subscription_cycle', 'past_due')
  }

  /** An invoice, paid or not, and the status that follows. */
  #bill(subscription: FakeObject, reason: string, unpaidStatus: string): FakeObject {
    const isPaid = !this.#state.failing.has(String(subscription['customer']))
    const [id, lineId] = [this.#state.id('in'), this.#state.id('il')]
    const invoice = this.#state.put(
      invoiceObject(id, this.#state.now(), { subscription, reason, isPaid, lineId }),
    )
    this.#emit('invoice.created', invoice)
    for (const type of isPaid
      ? ['invoice.paid', 'invoice.payment_succeeded']
      : ['invoice.payment_failed']) {
      this.#emit(type, invoice)
    }
    const patch = { status: isPaid ? 'active' : unpaidStatus, latest_invoice: id }
    return this.#change(subscription, patch, 'customer.subscription.updated')
  }

  #item(subscription: string, params: Json, now: number, trialEnd: number | null): FakeObject {
    const price = this.get(text(params['price']) ?? '', 'price')
    const end = trialEnd ?? now + lengthOf(price)
    const quantity = Number(params['quantity'] ?? 1)
    return itemObject(this.#state.id('si'), now, { subscription, price, quantity, end })
  }

  #swapped(subscription: FakeObject, changes: readonly Json[]): Json {
    const data = list(subscription['items']).map((item) => {
      const change = changes.find((one) => one['id'] === item['id']) ?? {}
      const price = text(change['price'])
      const quantity = Number(change['quantity'] ?? item['quantity'])
      return { ...item, quantity, ...(price && { price: this.get(price, 'price') }) }
    })
    return { ...record(subscription['items']), data }
  }

  /** Flexible billing, the default since 2025, writes the moment as well. */
  #endOf(subscription: FakeObject, params: Json): Json {
    const ends = String(params['cancel_at_period_end']) === 'true'
    return {
      cancel_at_period_end: ends,
      cancel_at: ends ? endOf(subscription) : null,
      canceled_at: ends ? this.#state.now() : null,
    }
  }

  #subscriptionsOf(customer: string): readonly FakeObject[] {
    const all = this.#state.all('subscription')
    return all.filter((one) => one['customer'] === customer && one['status'] !== 'canceled')
  }

  #change(before: FakeObject, patch: Json, type: string): FakeObject {
    const after = this.#state.put({ ...before, ...patch })
    const changes = Object.keys(patch).filter((key) => !equal(before[key], after[key]))
    if (changes.length === 0 && type.endsWith('.updated')) return after
    const previous = previousOf(before, after, changes)
    this.#emit(type, after, type.endsWith('.updated') ? previous : undefined)
    return after
  }

  #emit(type: string, object: FakeObject, previous?: Json): void {
    const event = eventObject(this.#state.id('evt'), this.#state.now(), { type, object, previous })
    this.#tell(this.#state.put(event))
  }
}

const merged = (object: FakeObject, params: Json) => ({
  ...record(object['metadata']),
  ...record(params['metadata']),
})

const endOf = (subscription: FakeObject) =>
  Math.max(...list(subscription['items']).map((item) => Number(item['current_period_end'])))
