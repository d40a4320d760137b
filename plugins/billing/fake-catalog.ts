import { metadata, nulls, pick } from './fake-fields.ts'
import type { FakeObject } from './fake-state.ts'
import { record, text } from './json.ts'
import type { Json } from './json.ts'

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
  ...nulls(`description package_dimensions shippable statement_descriptor tax_code tax_details unit_label
    url`),
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

const monthSeconds = 30 * 86_400
const seconds: Readonly<Record<string, number>> = {
  day: 86_400,
  week: 7 * 86_400,
  month: monthSeconds,
  year: 365 * 86_400,
}

/** How many seconds a period of this price lasts. */
export const lengthOf = (price: Json) => {
  const { interval, interval_count: count } = record(price['recurring'])
  return (seconds[String(interval)] ?? monthSeconds) * Number(count ?? 1)
}
