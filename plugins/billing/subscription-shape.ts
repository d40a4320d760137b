import { idOf, integer, list, record, text, time } from './json.ts'
import type { Json } from './json.ts'

export interface ItemFacts {
  readonly id: string | null
  readonly price: string | null
  readonly lookupKey: string | null
  readonly product: string | null
  readonly quantity: number | null
  readonly periodStart: Date | null
  readonly periodEnd: Date | null
}

export interface SubscriptionFacts {
  readonly id: string
  readonly customer: string
  readonly livemode: boolean
  readonly owner: string | null
  /** Stripe's own word; new ones come, so it is text everywhere. */
  readonly status: string
  readonly items: readonly ItemFacts[]
  readonly currentPeriodStart: Date | null
  readonly currentPeriodEnd: Date | null
  readonly trialEnd: Date | null
  /** When it will end; `cancel_at_period_end` is that as well. */
  readonly cancelAt: Date | null
  readonly canceledAt: Date | null
  readonly endedAt: Date | null
  readonly latestInvoice: string | null
  readonly createdAt: Date | null
}

/** A status that an id never leaves. */
export const isEnded = (status: string) => status === 'canceled' || status === 'incomplete_expired'

/**
 * One shape out of all of them: periods lie on the items since 2025-03-31.basil and on top before; ids may be
 * expanded objects; flexible billing sets `cancel_at` and not `cancel_at_period_end`. `undefined`: no subscription.
 */
export function subscriptionFacts(object: unknown): SubscriptionFacts | undefined {
  const raw = record(object)
  const [id, customer, status] = [text(raw['id']), idOf(raw['customer']), text(raw['status'])]
  if (!id || !customer || !status) return undefined

  const items = itemsOf(raw)
  const currentPeriodEnd =
    latest(items.map((item) => item.periodEnd)) ?? time(raw['current_period_end'])
  return {
    id,
    customer,
    status: raw['pause_collection'] && status === 'active' ? 'paused' : status,
    livemode: raw['livemode'] === true,
    owner: text(record(raw['metadata'])['owner']),
    items,
    currentPeriodStart:
      earliest(items.map((item) => item.periodStart)) ?? time(raw['current_period_start']),
    currentPeriodEnd,
    trialEnd: time(raw['trial_end']),
    cancelAt:
      time(raw['cancel_at']) ?? (raw['cancel_at_period_end'] === true ? currentPeriodEnd : null),
    canceledAt: time(raw['canceled_at']),
    endedAt: time(raw['ended_at']),
    latestInvoice: idOf(raw['latest_invoice']),
    createdAt: time(raw['created']) ?? time(raw['start_date']),
  }
}

/** Before items there was one `plan` on top. */
function itemsOf(raw: Json): readonly ItemFacts[] {
  const items = list(raw['items']).map(itemFacts)
  if (items.length > 0 || !raw['plan']) return items
  return [itemFacts({ id: raw['id'], plan: raw['plan'], quantity: raw['quantity'] })]
}

/** `price` is an object or an id; before prices there were plans. */
export function itemFacts(item: Json): ItemFacts {
  const price = record(item['price'])
  const plan = record(item['plan'])
  return {
    id: text(item['id']),
    price: idOf(item['price']) ?? idOf(item['plan']),
    lookupKey: text(price['lookup_key']),
    product: idOf(price['product']) ?? idOf(plan['product']),
    quantity: integer(item['quantity']),
    periodStart: time(item['current_period_start']),
    periodEnd: time(item['current_period_end']),
  }
}

const present = (dates: readonly (Date | null)[]) => dates.filter((date) => date !== null)

const latest = (dates: readonly (Date | null)[]) =>
  present(dates).reduce<Date | null>((best, date) => (best && best >= date ? best : date), null)

const earliest = (dates: readonly (Date | null)[]) =>
  present(dates).reduce<Date | null>((best, date) => (best && best <= date ? best : date), null)
