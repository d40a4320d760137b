import { listOf, nulls, pick } from './fake-fields.ts'
import type { FakeObject } from './fake-state.ts'
import { record } from './json.ts'
import type { Json } from './json.ts'

const endOfTrial = { billing_cycle_anchor: null, missing_payment_method: 'create_invoice' }

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
  cancellation_details: nulls('comment feedback feedback_option reason'),
  collection_method: 'charge_automatically',
  created,
  currency: 'usd',
  customer: of.customer,
  default_tax_rates: [],
  discounts: [],
  invoice_settings: {
    ...nulls('account_tax_ids custom_fields description footer'),
    issuer: { type: 'self' },
  },
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
  trial_settings: { end_behavior: endOfTrial },
  trial_start: of.trialEnd === null ? null : created,
})

/** An empty string ends it. */
export const pauseOf = ({ pause_collection: pause }: Json): Json | null =>
  pause ? { resumes_at: null, ...record(pause) } : null

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
  ...nulls('billing_thresholds current_trial'),
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
