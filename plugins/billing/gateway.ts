import type { CheckoutFacts } from './checkout-shape.ts'
import type { Json } from './json.ts'

export interface CheckoutOrder {
  readonly customer: string
  readonly owner: string
  readonly plan: string
  readonly price: string
  readonly quantity: number
  readonly successUrl: string
  readonly cancelUrl: string
  readonly key: string
}

export interface EventPage {
  readonly events: readonly Json[]
  /** The id that the next page starts after; `undefined` at the end. */
  readonly next: string | undefined
}

/**
 * Everything that is asked of Stripe. Answers are checked: a proxy's JSON is never taken for an object. Throws
 * `stripe_missing`, `stripe_unavailable`, `stripe_refused` or `stripe_invalid_response`, within its deadline.
 */
export interface Gateway {
  /** False: there is no key, and only the payloads of webhooks tell anything. */
  readonly canRead: boolean
  /** The same; its calls end with this signal. */
  readonly until: (signal: AbortSignal) => Gateway
  readonly createCustomer: (owner: string, key: string) => Promise<string>
  /** False: it was deleted, or never there. */
  readonly hasCustomer: (customer: string) => Promise<boolean>
  readonly linkCustomer: (customer: string, owner: string, key: string) => Promise<void>
  readonly createCheckout: (order: CheckoutOrder) => Promise<CheckoutFacts>
  readonly expireCheckout: (session: string, key: string) => Promise<void>
  readonly createPortal: (customer: string, returnUrl: string) => Promise<string>
  readonly checkout: (id: string) => Promise<Json>
  readonly subscription: (id: string) => Promise<Json>
  readonly invoice: (id: string) => Promise<Json>
  /** Lookup keys of the features that a customer has by Stripe Entitlements. */
  readonly entitlements: (customer: string) => Promise<readonly string[]>
  /** For the doctor: whose key it is, and what time Stripe has. */
  readonly probe: () => Promise<{ readonly livemode: boolean; readonly date: Date | null }>
  readonly endpoints: () => Promise<readonly Json[]>
  readonly price: (id: string) => Promise<Json>
  readonly priceByLookupKey: (key: string) => Promise<string | undefined>
  /** Newest first, back to a moment. */
  readonly events: (since: Date, after: string | undefined) => Promise<EventPage>
}
