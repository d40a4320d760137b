import type { Knex } from 'knex'

import { closeCheckout, openCheckoutsOf } from './checkouts.ts'
import { checkoutFacts } from './checkout-shape.ts'
import type { CheckoutFacts } from './checkout-shape.ts'
import { adoptSubscriptions, insertCustomer, markDeleted } from './customers.ts'
import { claimEffect } from './effects.ts'
import { invoiceFacts } from './invoice-shape.ts'
import { text } from './json.ts'
import { post } from './outbox.ts'
import type { Resolved } from './resolve.ts'

/** What others are told once the transaction is there. */
export type Fact =
  | {
      readonly kind: 'changed'
      readonly owner: string
      readonly plan: string
      readonly status: string
    }
  | { readonly kind: 'entitled'; readonly owner: string }
  | { readonly kind: 'paid'; readonly customer: string }
  | { readonly kind: 'checkout'; readonly plan: string; readonly outcome: 'completed' | 'failed' }

/** The effects of one event besides the state of its subscription. Inside the transaction that marks it done. */
export async function applyEvent(trx: Knex, resolved: Resolved): Promise<readonly Fact[]> {
  const { family } = resolved
  if (family === 'checkout') return applyCheckout(trx, resolved)
  if (family === 'invoice') return applyInvoice(trx, resolved)
  if (family === 'customer') return applyCustomer(trx, resolved)
  return []
}

const paidTypes = ['invoice.paid', 'invoice.payment_succeeded']

/** Stripe sends both types for one payment: it is one fact. */
async function applyInvoice(trx: Knex, resolved: Resolved): Promise<readonly Fact[]> {
  const { id, customer } = invoiceFacts(resolved.object)
  if (!id || !paidTypes.includes(resolved.event.type)) return []
  const { eventId } = resolved.event
  const isFirst = await claimEffect(trx, { effect: 'invoice.paid', key: id, eventId })
  return isFirst && customer ? [{ kind: 'paid', customer }] : []
}

async function applyCheckout(trx: Knex, resolved: Resolved): Promise<readonly Fact[]> {
  const facts = checkoutFacts(resolved.object)
  const linked = await linkCustomer(trx, resolved)
  const outcome = outcomeOf(resolved.event.type, facts.isPaid)
  return outcome
    ? [...linked, ...(await closed(trx, facts, outcome, resolved.event.eventId))]
    : linked
}

/** The same without a webhook: the buyer came back before it did. */
export const applyReturn = (trx: Knex, facts: CheckoutFacts): Promise<readonly Fact[]> =>
  facts.isPaid ? closed(trx, facts, 'completed', 'return') : Promise.resolve([])

async function closed(
  trx: Knex,
  { id, owner, plan, subscription }: CheckoutFacts,
  outcome: 'completed' | 'failed',
  eventId: string,
): Promise<readonly Fact[]> {
  if (!id) return []
  const ours = await closeCheckout(trx, id, outcome === 'completed' ? 'complete' : 'expired')
  const isFirst = await claimEffect(trx, { effect: `checkout.${outcome}`, key: id, eventId })
  if (!isFirst) return []
  // A single payment beside is no reason to take the page of a plan away.
  if (outcome === 'completed' && owner && subscription) await expireOthers(trx, owner, id)
  return [{ kind: 'checkout', plan: ours?.plan ?? plan ?? 'unknown', outcome }]
}

function outcomeOf(type: string, isPaid: boolean): 'completed' | 'failed' | undefined {
  if (type.endsWith('.async_payment_failed') || type.endsWith('.expired')) return 'failed'
  return isPaid && /\.(completed|async_payment_succeeded)$/.test(type) ? 'completed' : undefined
}

/** A payment link knows its buyer only by the session: from now on the customer does. */
async function linkCustomer(trx: Knex, { object, event }: Resolved): Promise<readonly Fact[]> {
  const { customer: id, owner } = checkoutFacts(object)
  if (!id || !owner) return []
  const { account, livemode } = event
  const isNew = await insertCustomer(trx, { id, owner, account, livemode })
  if (isNew) await post(trx, { kind: 'customer.link', customer: id, owner })
  const adopted = await adoptSubscriptions(trx, { id, owner })
  return adopted.map(({ plan, status }) => ({ kind: 'changed', owner, plan, status }))
}

/** What was bought is not to be bought again from another tab. */
async function expireOthers(trx: Knex, owner: string, bought: string): Promise<void> {
  for (const { id } of await openCheckoutsOf(trx, owner)) {
    if (id !== bought) await post(trx, { kind: 'checkout.expire', session: id })
  }
}

async function applyCustomer(trx: Knex, { object, event }: Resolved): Promise<readonly Fact[]> {
  const id = text(object['id'])
  const isDeleted = event.type === 'customer.deleted' || object['deleted'] === true
  if (id && isDeleted) await markDeleted(trx, id)
  return []
}
