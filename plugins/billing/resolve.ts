import type { ClaimedEvent } from './claims.ts'
import { checkoutFacts } from './checkout-shape.ts'
import { familyOf, objectIn } from './event-shape.ts'
import type { Family } from './event-shape.ts'
import type { Gateway } from './gateway.ts'
import { invoiceFacts } from './invoice-shape.ts'
import type { Json } from './json.ts'

/** An event with the object that it is about, and the subscription that it may have changed. */
export interface Resolved {
  readonly event: ClaimedEvent
  readonly family: Family | undefined
  readonly object: Json
  readonly subscription: string | undefined
}

/** A thin event holds no object: what its handler must read is fetched here, before any transaction. */
export async function resolve(event: ClaimedEvent, gateway: Gateway): Promise<Resolved> {
  const family = familyOf(event.type)
  const object =
    event.form === 'snapshot' ? objectIn(event.raw) : await fetchObject(event, family, gateway)
  return { event, family, object, subscription: subscriptionOf(event, family, object) }
}

async function fetchObject(
  { objectId }: ClaimedEvent,
  family: Family | undefined,
  gateway: Gateway,
): Promise<Json> {
  if (objectId && family === 'checkout') return gateway.checkout(objectId)
  if (objectId && family === 'invoice') return gateway.invoice(objectId)
  return { id: objectId }
}

function subscriptionOf(event: ClaimedEvent, family: Family | undefined, object: Json) {
  if (event.subject?.startsWith('sub_')) return event.subject
  if (family === 'invoice') return invoiceFacts(object).subscription ?? undefined
  if (family === 'checkout') return checkoutFacts(object).subscription ?? undefined
  return undefined
}
