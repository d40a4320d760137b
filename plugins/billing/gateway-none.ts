import { E } from './errors.ts'
import type { Gateway } from './gateway.ts'

const refuse = (): Promise<never> => Promise.reject(E.billing_not_configured())

/** No key: nothing can be sold or asked. What webhooks carry is all there is. */
export const noGateway: Gateway = Object.freeze({
  canRead: false,
  until: () => noGateway,
  createCustomer: refuse,
  hasCustomer: refuse,
  linkCustomer: refuse,
  createCheckout: refuse,
  expireCheckout: refuse,
  createPortal: refuse,
  checkout: refuse,
  subscription: refuse,
  invoice: refuse,
  entitlements: refuse,
  probe: refuse,
  endpoints: refuse,
  price: refuse,
  priceByLookupKey: refuse,
  events: refuse,
})
