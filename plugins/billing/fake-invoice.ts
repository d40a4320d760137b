import { listOf, nulls } from './fake-fields.ts'
import type { FakeObject } from './fake-state.ts'
import { list, record } from './json.ts'
import type { Json } from './json.ts'

export function invoiceObject(
  id: string,
  created: number,
  of: {
    readonly subscription: FakeObject
    readonly reason: string
    readonly isPaid: boolean
    readonly lineId: string
  },
): FakeObject {
  const lines = list(of.subscription['items']).map((item) =>
    lineObject(of.lineId, id, of.subscription, item),
  )
  const total = lines.reduce((sum, line) => sum + Number(line['amount']), 0)
  const details = {
    metadata: record(of.subscription['metadata']),
    subscription: of.subscription.id,
  }
  return {
    ...nulls(`account_country account_name account_tax_ids application automatically_finalizes_at custom_fields
      customer_account customer_address customer_email customer_name customer_phone customer_shipping
      default_payment_method default_source description due_date footer from_invoice last_finalization_error
      latest_revision on_behalf_of receipt_number rendering shipping_cost shipping_details statement_descriptor
      test_clock webhooks_delivered_at`),
    id,
    object: 'invoice',
    amount_due: total,
    amount_overpaid: 0,
    amount_paid: of.isPaid ? total : 0,
    amount_remaining: of.isPaid ? 0 : total,
    amount_shipping: 0,
    attempt_count: 1,
    attempted: true,
    auto_advance: false,
    automatic_tax: {
      disabled_reason: null,
      enabled: false,
      liability: null,
      provider: null,
      status: null,
    },
    billing_reason: of.reason,
    collection_method: 'charge_automatically',
    created,
    currency: 'usd',
    customer: of.subscription['customer'],
    customer_tax_exempt: 'none',
    customer_tax_ids: [],
    default_tax_rates: [],
    discounts: [],
    effective_at: created,
    ending_balance: 0,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    lines: listOf(`/v1/invoices/${id}/lines`, lines),
    livemode: false,
    metadata: {},
    next_payment_attempt: of.isPaid ? null : created + 3 * 86_400,
    number: `FAKE-${id.slice(-6).toUpperCase()}`,
    parent: { quote_details: null, subscription_details: details, type: 'subscription_details' },
    payment_settings: nulls('default_mandate payment_method_options payment_method_types'),
    period_end: created,
    period_start: created,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    starting_balance: 0,
    status: of.isPaid ? 'paid' : 'open',
    status_transitions: {
      finalized_at: created,
      marked_uncollectible_at: null,
      paid_at: of.isPaid ? created : null,
      voided_at: null,
    },
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_discount_amounts: [],
    total_excluding_tax: total,
    total_pretax_credit_amounts: [],
    total_taxes: [],
  }
}

function lineObject(id: string, invoice: string, subscription: FakeObject, item: Json): FakeObject {
  const price = record(item['price'])
  const quantity = Number(item['quantity'] ?? 1)
  const amount = Number(price['unit_amount']) * quantity
  return {
    id,
    object: 'line_item',
    amount,
    currency: 'usd',
    description: null,
    discount_amounts: [],
    discountable: true,
    discounts: [],
    invoice,
    livemode: false,
    metadata: {},
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription: subscription.id,
        subscription_item: item['id'],
      },
      type: 'subscription_item_details',
    },
    period: { end: item['current_period_end'], start: item['current_period_start'] },
    pretax_credit_amounts: [],
    pricing: {
      price_details: { price: price['id'], product: price['product'] },
      type: 'price_details',
      unit_amount_decimal: price['unit_amount_decimal'],
    },
    quantity,
    quantity_decimal: String(quantity),
    subscription: subscription.id,
    subtotal: amount,
    taxes: [],
  }
}
