import { idOf, list, record, text, time } from './json.ts'
import type { Json } from './json.ts'
import { itemFacts, subscriptionFacts } from './subscription-shape.ts'
import type { ItemFacts, SubscriptionFacts } from './subscription-shape.ts'

export interface InvoiceFacts {
  /** null: `invoice.upcoming` has no id yet. */
  readonly id: string | null
  readonly customer: string | null
  readonly subscription: string | null
  readonly owner: string | null
  readonly isPaid: boolean
  readonly items: readonly ItemFacts[]
}

/** The subscription moved to `parent` in 2025-03-31.basil; before, it lay on top; lines name it as well. */
export function invoiceFacts(invoice: Json): InvoiceFacts {
  const details = record(record(invoice['parent'])['subscription_details'])
  const older = record(invoice['subscription_details'])
  const lines = list(invoice['lines'])
  return {
    id: text(invoice['id']),
    customer: idOf(invoice['customer']),
    subscription:
      idOf(details['subscription']) ??
      idOf(invoice['subscription']) ??
      lines.map(subscriptionOfLine).find((id) => id !== null) ??
      null,
    owner: text(record(details['metadata'])['owner']) ?? text(record(older['metadata'])['owner']),
    isPaid: invoice['status'] === 'paid' || invoice['paid'] === true,
    items: lines.map(lineItem),
  }
}

const detailsOfLine = (line: Json) => record(record(line['parent'])['subscription_item_details'])

const subscriptionOfLine = (line: Json) =>
  idOf(detailsOfLine(line)['subscription']) ?? idOf(line['subscription'])

/** A line as the subscription item that it bills: `pricing` since 2025, `price` and `plan` before. */
function lineItem(line: Json): ItemFacts {
  const pricing = record(record(line['pricing'])['price_details'])
  const known = itemFacts(line)
  const period = record(line['period'])
  return {
    ...known,
    id:
      idOf(detailsOfLine(line)['subscription_item']) ?? idOf(line['subscription_item']) ?? known.id,
    price: idOf(pricing['price']) ?? known.price,
    product: idOf(pricing['product']) ?? known.product,
    periodStart: time(period['start']),
    periodEnd: time(period['end']),
  }
}

/** The subscription that an invoice speaks of, as far as it tells: enough until an event of its own comes. */
export function provisional(invoice: Json, livemode: boolean): SubscriptionFacts | undefined {
  const { id, customer, subscription, owner, isPaid, items } = invoiceFacts(invoice)
  if (!subscription || !customer || !isPaid) return undefined
  return subscriptionFacts({
    id: subscription,
    customer,
    livemode,
    status: 'active',
    latest_invoice: id,
    metadata: { owner },
    items: items.map((item) => ({
      id: item.id,
      price: { id: item.price, product: item.product, lookup_key: item.lookupKey },
      quantity: item.quantity,
      current_period_start: item.periodStart && item.periodStart.getTime() / 1_000,
      current_period_end: item.periodEnd && item.periodEnd.getTime() / 1_000,
    })),
  })
}
