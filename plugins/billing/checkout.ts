import { createHash } from 'node:crypto'

import type { EventBus, Logger, ServerFacts } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import { applyReturn } from './apply.ts'
import type { Announcer } from './announcer.ts'
import {
  closeCheckout,
  countCheckouts,
  expireOldCheckouts,
  findCheckout,
  insertCheckout,
  openCheckout,
  openCheckoutsOf,
} from './checkouts.ts'
import type { Checkout } from './checkouts.ts'
import { checkoutFacts } from './checkout-shape.ts'
import type { CheckoutFacts } from './checkout-shape.ts'
import { BillingEvents } from './contract.ts'
import { countDeleted, customerOf, insertCustomer, insertDeleted } from './customers.ts'
import type { Entitlements } from './entitlements.ts'
import { E, isMissing } from './errors.ts'
import type { Gateway } from './gateway.ts'
import type { Json } from './json.ts'
import type { Catalogue, Plan } from './plans.ts'
import { allowedUrl } from './redirects.ts'
import { Busy } from './sync.ts'
import type { Synchroniser } from './sync.ts'

export interface Order {
  readonly plan: string
  readonly price?: string | undefined
  readonly quantity?: number | undefined
  readonly successUrl?: string | undefined
  readonly cancelUrl?: string | undefined
}

/** With where the buyer is led afterwards. */
type Complete = Order & { readonly successUrl: string; readonly cancelUrl: string }

export interface CheckoutView {
  readonly id: string
  readonly plan: string
  readonly status: Checkout['status']
  /** Where the buyer pays; null when there is nothing to pay any more. */
  readonly url: string | null
  readonly expiresAt: string
}

interface Needs {
  readonly database: DatabaseService
  readonly gateway: Gateway
  readonly catalogue: Catalogue
  readonly entitlements: Entitlements
  readonly synchroniser: Synchroniser
  readonly announcer: Announcer
  readonly secrets: { readonly livemode: boolean | undefined }
  readonly server: Pick<ServerFacts, 'publicUrl' | 'origins'>
  readonly events: EventBus
  readonly log: Logger
}

/** Selling: the customer first, one open checkout for a plan, and on the return the truth before any webhook. */
export class Checkouts {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  async start(owner: string, order: Order): Promise<CheckoutView> {
    const { gateway, catalogue, entitlements } = this.#needs
    if (!gateway.canRead) throw E.billing_not_configured()
    const plan = catalogue.forSale(order.plan)
    if (!plan) throw E.plan_unknown({ plan: order.plan })
    const { standing } = await entitlements.of(owner)
    if (standing !== undefined) throw E.already_subscribed({ plan: standing })
    const urls = this.#urls(order)

    const going = await this.#goOn(owner, plan)
    if (going) return going
    return this.#sell(owner, plan, { ...order, ...urls })
  }

  /** By whoever knows its id, which nobody can guess. Asks Stripe, so that the buyer never waits for a webhook. */
  async finish(id: string): Promise<CheckoutView> {
    const { database, gateway } = this.#needs
    const known = await findCheckout(database.knex, id)
    if (!known) throw E.checkout_not_found()
    if (known.status !== 'open' || !gateway.canRead) return viewOf(known)

    const facts = checkoutFacts(await this.#ask(id))
    if (facts.status === 'expired') await closeCheckout(database.knex, id, 'expired')
    if (facts.status === 'complete') await this.#complete(facts)
    const now = (await findCheckout(database.knex, id)) ?? known
    return viewOf({ ...now, url: facts.url ?? now.url })
  }

  /** One that Stripe does not know (another account, a fake that was wiped) is as good as expired. */
  async #ask(id: string): Promise<Json> {
    try {
      return await this.#needs.gateway.checkout(id)
    } catch (error) {
      if (!isMissing(error)) throw error
      return { id, status: 'expired' }
    }
  }

  async portal(owner: string, returnUrl: string | undefined): Promise<{ readonly url: string }> {
    const { database, gateway, secrets, server } = this.#needs
    if (!gateway.canRead) throw E.billing_not_configured()
    const url = allowedUrl(returnUrl ?? server.publicUrl, server)
    const customer = await customerOf(database.knex, owner, secrets.livemode)
    if (customer === undefined) throw E.customer_not_found()
    try {
      return { url: await gateway.createPortal(customer, url) }
    } catch (error) {
      if (!isMissing(error) || !(await this.#isGone(customer, owner))) throw error
      throw E.customer_not_found({ cause: error })
    }
  }

  /** A second click leads to the same page, if Stripe still has it. What was paid in any tab is not sold again. */
  async #goOn(owner: string, plan: Plan): Promise<CheckoutView | undefined> {
    const { knex } = this.#needs.database
    const open = await openCheckoutsOf(knex, owner)
    const views = await Promise.all(open.map(({ id }) => this.finish(id)))
    const paid = views.find(({ status }) => status === 'complete')
    if (paid) throw E.already_subscribed({ plan: paid.plan })
    const same = await openCheckout(knex, owner, plan.id)
    return views.find(({ id }) => id === same?.id)
  }

  /** To a customer anew when Stripe has deleted the one that we knew. What else is missing is a price. */
  async #sell(owner: string, plan: Plan, order: Complete): Promise<CheckoutView> {
    const customer = await this.#customer(owner)
    try {
      return await this.#open(owner, customer, plan, order)
    } catch (error) {
      if (!isMissing(error)) throw error
      if (await this.#isGone(customer, owner)) {
        return this.#open(owner, await this.#customer(owner), plan, order)
      }
      const what = { operation: 'checkout.sessions.create', code: 'resource_missing' }
      throw E.stripe_refused(what, { cause: error })
    }
  }

  async #open(owner: string, customer: string, plan: Plan, order: Complete): Promise<CheckoutView> {
    const { database, gateway, events } = this.#needs
    const { knex } = database
    await expireOldCheckouts(knex, owner, plan.id)
    const price = await this.#price(plan, order.price)
    const wanted = {
      customer,
      owner,
      plan: plan.id,
      price,
      quantity: order.quantity ?? 1,
      successUrl: order.successUrl,
      cancelUrl: order.cancelUrl,
    }
    // Two clicks at once are one order for Stripe too: the same words, the same key, the same session.
    const key = `bill:checkout:${digest({ ...wanted, nth: await countCheckouts(knex, owner, plan.id) })}`
    const made = await gateway.createCheckout({ ...wanted, key })
    const checkout = opened(made, owner, plan.id)
    if (!(await insertCheckout(knex, { ...checkout, key }))) {
      return viewOf((await openCheckout(knex, owner, plan.id)) ?? checkout)
    }
    events.emit(BillingEvents, 'billing:checkout-finished', { plan: plan.id, outcome: 'created' })
    return viewOf(checkout)
  }

  /** Before the session, so that no subscription ever belongs to nobody. */
  async #customer(owner: string): Promise<string> {
    const { database, gateway, secrets } = this.#needs
    const known = await customerOf(database.knex, owner, secrets.livemode)
    if (known !== undefined) return known
    const nth = await countDeleted(database.knex, owner)
    const id = await gateway.createCustomer(owner, `bill:customer:${digest({ owner, nth })}`)
    const livemode = secrets.livemode ?? false
    await insertCustomer(database.knex, { id, owner, livemode, account: '' })
    return id
  }

  async #isGone(id: string, owner: string): Promise<boolean> {
    const { database, gateway, secrets } = this.#needs
    if (await gateway.hasCustomer(id)) return false
    await insertDeleted(database.knex, { id, owner, livemode: secrets.livemode ?? false })
    return true
  }

  async #price(plan: Plan, wanted: string | undefined): Promise<string> {
    if (wanted !== undefined && !plan.prices.includes(wanted))
      throw E.plan_unknown({ plan: wanted })
    const price = wanted ?? plan.prices[0] ?? (await this.#byLookupKey(plan))
    if (price === undefined) throw E.plan_unknown({ plan: plan.id })
    return price
  }

  async #byLookupKey({ lookupKeys }: Plan): Promise<string | undefined> {
    for (const key of lookupKeys) {
      const price = await this.#needs.gateway.priceByLookupKey(key)
      if (price !== undefined) return price
    }
    return undefined
  }

  async #complete(facts: CheckoutFacts): Promise<void> {
    const { database, announcer, log } = this.#needs
    const told = await database.knex.transaction((trx) => applyReturn(trx, facts))
    await announcer.announce(told)
    if (!facts.subscription) return
    try {
      await this.#needs.synchroniser.sync(facts.subscription)
    } catch (error) {
      if (!(error instanceof Busy)) throw error
      log.debug({ checkout: facts.id }, 'a webhook is bringing the same subscription up to date')
    }
  }

  #urls({ successUrl, cancelUrl }: Order) {
    const { server } = this.#needs
    const home = `${server.publicUrl}/billing/checkout/{CHECKOUT_SESSION_ID}`
    return {
      successUrl: allowedUrl(successUrl ?? home, server),
      cancelUrl: allowedUrl(cancelUrl ?? successUrl ?? home, server),
    }
  }
}

const digest = (value: object) =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 40)

const dayMs = 86_400_000

const opened = (facts: CheckoutFacts, owner: string, plan: string): Checkout => ({
  id: facts.id ?? '',
  owner,
  plan,
  status: 'open',
  url: facts.url,
  expiresAt: facts.expiresAt ?? new Date(Date.now() + dayMs),
})

const viewOf = ({ id, plan, status, url, expiresAt }: Checkout): CheckoutView => ({
  id,
  plan,
  status,
  url: status === 'open' ? url : null,
  expiresAt: expiresAt.toISOString(),
})
