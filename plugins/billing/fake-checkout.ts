import { metadata, nulls } from './fake-fields.ts'
import type { FakeObject } from './fake-state.ts'
import { text } from './json.ts'
import type { Json } from './json.ts'

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
  phone_number_collection: { enabled: false },
  shipping_options: [],
  status: 'open',
  success_url: text(params['success_url']),
  total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
  ui_mode: 'hosted_page',
  url: params.url,
})

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
