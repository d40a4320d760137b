import { list, record, text } from './json.ts'
import type { Json } from './json.ts'
import type { FakeObject } from './fake-state.ts'

/** Objects with every field that Stripe's have; what FakeStripe does not do is null, as it is for a plain account. */
const nulls = (names: string): Record<string, null> =>
  Object.fromEntries(names.split(/\s+/).map((name) => [name, null]))

const listOf = (url: string, data: readonly unknown[]) => ({
  object: 'list',
  data,
  has_more: false,
  url,
})

const metadata = (params: Json) => record(params['metadata'])

export const apiVersion = '2026-10-28.endive'

export const customerObject = (id: string, created: number, params: Json): FakeObject => ({
  ...nulls(
    'address currency default_source description discount email name phone shipping test_clock',
  ),
  ...pick(params, ['email', 'name', 'description', 'phone']),
  id,
  object: 'customer',
  balance: 0,
  created,
  delinquent: false,
  invoice_prefix: id.slice(-8).toUpperCase(),
  invoice_settings: nulls('custom_fields default_payment_method footer rendering_options'),
  livemode: false,
  metadata: metadata(params),
  next_invoice_sequence: 1,
  preferred_locales: [],
  tax_exempt: 'none',
})

export const productObject = (id: string, created: number, params: Json): FakeObject => ({
  ...nulls('description package_dimensions shippable tax_code tax_details unit_label url'),
  id,
  object: 'product',
  active: true,
  created,
  default_price: null,
  images: [],
  livemode: false,
  marketing_features: [],
  metadata: metadata(params),
  name: text(params['name']) ?? 'Product',
  type: 'service',
  updated: created,
})

export function priceObject(id: string, created: number, params: Json): FakeObject {
  const amount = Number(params['unit_amount'] ?? 0)
  const interval = text(record(params['recurring'])['interval'])
  return {
    ...nulls('custom_unit_amount nickname tiers_mode transform_quantity'),
    id,
    object: 'price',
    active: true,
    billing_scheme: 'per_unit',
    created,
    currency: text(params['currency']) ?? 'usd',
    livemode: false,
    lookup_key: text(params['lookup_key']),
    metadata: metadata(params),
    product: text(params['product']) ?? '',
    recurring: interval && recurring(interval),
    tax_behavior: 'unspecified',
    type: interval ? 'recurring' : 'one_time',
    unit_amount: amount,
    unit_amount_decimal: String(amount),
  }
}

const recurring = (interval: string) => ({
  interval,
  interval_count: 1,
  meter: null,
  trial_period_days: null,
  usage_type: 'licensed',
})

export const sessionObject = (
  id: string,
  created: number,
  params: Json & { readonly url: string; readonly amount: number },
): FakeObject => ({
  ...nulls(`adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types
    billing_address_collection client_secret collected_information consent consent_collection
    currency_conversion customer_account customer_creation customer_email integration_identifier
    invoice invoice_creation locale managed_payments origin_context payment_intent payment_link
    payment_method_configuration_details permissions recovered_from saved_payment_method_options
    setup_intent shipping_address_collection shipping_cost submit_type subscription wallet_options`),
  id,
  object: 'checkout.session',
  amount_subtotal: params.amount,
  amount_total: params.amount,
  automatic_tax: { enabled: false, liability: null, provider: null, status: null },
  cancel_url: text(params['cancel_url']),
  client_reference_id: text(params['client_reference_id']),
  created,
  currency: 'usd',
  custom_fields: [],
  custom_text: nulls('after_submit shipping_address submit terms_of_service_acceptance'),
  customer: text(params['customer']),
  customer_details: null,
  discounts: [],
  expires_at: created + 86_400,
  livemode: false,
  metadata: metadata(params),
  mode: text(params['mode']) ?? 'subscription',
  payment_method_collection: 'always',
  payment_method_options: {},
  payment_method_types: ['card'],
  payment_status: 'unpaid',
  shipping_options: [],
  status: 'open',
  success_url: text(params['success_url']),
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: 'hosted_page',
  url: params.url,
})

export const itemObject = (
  id: string,
  created: number,
  of: {
    readonly subscription: string
    readonly price: FakeObject
    readonly quantity: number
    readonly end: number
  },
): FakeObject => ({
  ...nulls('billed_until billing_thresholds current_trial'),
  id,
  object: 'subscription_item',
  created,
  current_period_end: of.end,
  current_period_start: created,
  discounts: [],
  metadata: {},
  plan: planObject(of.price),
  price: of.price,
  quantity: of.quantity,
  subscription: of.subscription,
  tax_rates: [],
})

/** The older name of a price, which items still carry. */
function planObject(price: FakeObject): FakeObject {
  const { interval, interval_count: count } = record(price['recurring'])
  return {
    ...nulls('meter nickname tiers_mode transform_usage trial_period_days'),
    ...pick(price, [
      'active',
      'billing_scheme',
      'created',
      'currency',
      'livemode',
      'metadata',
      'product',
    ]),
    id: price.id,
    object: 'plan',
    amount: price['unit_amount'],
    amount_decimal: price['unit_amount_decimal'],
    interval,
    interval_count: count,
    usage_type: 'licensed',
  }
}

export const subscriptionObject = (
  id: string,
  created: number,
  of: {
    readonly customer: string
    readonly items: readonly FakeObject[]
    readonly metadata: unknown
    readonly trialEnd: number | null
  },
): FakeObject => ({
  ...nulls(`application application_fee_percent billing_cycle_anchor_config billing_thresholds cancel_at
    canceled_at customer_account days_until_due default_payment_method default_source description ended_at
    latest_invoice managed_payments next_pending_invoice_item_invoice on_behalf_of pause_collection
    pending_invoice_item_interval pending_setup_intent pending_update schedule test_clock transfer_data`),
  id,
  object: 'subscription',
  automatic_tax: { disabled_reason: null, enabled: false, liability: null },
  billing_cycle_anchor: created,
  billing_mode: {
    flexible: { proration_discounts: 'included' },
    type: 'flexible',
    updated_at: created,
  },
  billing_schedules: [],
  cancel_at_period_end: false,
  cancellation_details: nulls('comment feedback reason'),
  collection_method: 'charge_automatically',
  created,
  currency: 'usd',
  customer: of.customer,
  default_tax_rates: [],
  discounts: [],
  invoice_settings: { account_tax_ids: null, issuer: { type: 'self' } },
  items: listOf(`/v1/subscription_items?subscription=${id}`, of.items),
  livemode: false,
  metadata: record(of.metadata),
  payment_settings: {
    payment_method_options: null,
    payment_method_types: null,
    save_default_payment_method: 'off',
  },
  start_date: created,
  status: of.trialEnd === null ? 'incomplete' : 'trialing',
  trial_end: of.trialEnd,
  trial_settings: { end_behavior: { missing_payment_method: 'create_invoice' } },
  trial_start: of.trialEnd === null ? null : created,
})

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

export const portalObject = (
  id: string,
  created: number,
  of: { readonly customer: string; readonly returnUrl: string | null; readonly url: string },
): FakeObject => ({
  ...nulls('customer_account flow locale on_behalf_of'),
  id,
  object: 'billing_portal.session',
  configuration: 'bpc_fake',
  created,
  customer: of.customer,
  livemode: false,
  return_url: of.returnUrl,
  url: of.url,
})

export const eventObject = (
  id: string,
  created: number,
  of: { readonly type: string; readonly object: FakeObject; readonly previous: Json | undefined },
): FakeObject => ({
  id,
  object: 'event',
  api_version: apiVersion,
  created,
  data: { object: of.object, ...(of.previous && { previous_attributes: of.previous }) },
  livemode: false,
  pending_webhooks: 1,
  request: { id: null, idempotency_key: null },
  type: of.type,
})

/** The thin form of a snapshot event: it says what to look at, and which event it is the twin of. */
export function thinTwin(event: FakeObject): FakeObject {
  const object = record(record(event['data'])['object'])
  return {
    id: `${event.id}_thin`,
    object: 'v2.core.event',
    type: `v1.${String(event['type'])}`,
    created: new Date(Number(event['created']) * 1_000).toISOString(),
    livemode: false,
    reason: null,
    related_object: {
      id: object['id'],
      type: object['object'],
      url: `/v1/${String(object['object'])}s/${String(object['id'])}`,
    },
    snapshot_event: event.id,
  }
}

export const listObject = (url: string, data: readonly FakeObject[], hasMore: boolean) => ({
  ...listOf(url, data),
  has_more: hasMore,
})

function pick(from: Json, names: readonly string[]): Json {
  return Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name]]] : [])))
}
