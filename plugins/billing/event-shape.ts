import { checkoutFacts } from './checkout-shape.ts'
import { invoiceFacts } from './invoice-shape.ts'
import { idOf, parse, record, text, time } from './json.ts'
import type { Json } from './json.ts'

export const families = ['subscription', 'checkout', 'invoice', 'customer', 'entitlements'] as const
export type Family = (typeof families)[number]

/** One delivery as it lies in the inbox. */
export interface InboxEvent {
  readonly eventId: string
  /** The id of its snapshot, for both forms of one event. */
  readonly dedupeId: string
  readonly form: 'snapshot' | 'thin'
  /** Without the `v1.` of thin ones. */
  readonly type: string
  readonly account: string
  readonly livemode: boolean
  readonly apiVersion: string | null
  readonly stripeCreated: Date
  readonly objectId: string | null
  /** What it is about: the subscription where there is one, else the object itself. */
  readonly subject: string | null
  readonly raw: string
}

const named = /^[\w.-]{1,255}$/

/** Longer than any of Stripe's, it fits no index: the whole batch would be refused for it. */
const name = (value: unknown): string | null => {
  const id = idOf(value)
  return id !== null && id.length <= 255 ? id : null
}

/** `undefined`: signed, but no event. Both forms and every shape since 2020. */
export function readEvent(raw: string): InboxEvent | undefined {
  const event = record(parse(raw))
  const isThin = event['object'] === 'v2.core.event'
  if (!isThin && event['object'] !== 'event') return undefined

  const [eventId, type, created] = [text(event['id']), text(event['type']), time(event['created'])]
  if (!eventId || !type || !created || !named.test(eventId) || !named.test(type)) return undefined
  const about = isThin ? thinObject(event) : snapshotObject(event)
  return {
    eventId,
    dedupeId: name(event['snapshot_event']) ?? eventId,
    form: isThin ? 'thin' : 'snapshot',
    type: type.replace(/^v1\./, ''),
    account: name(event[isThin ? 'context' : 'account']) ?? '',
    livemode: event['livemode'] === true,
    apiVersion: text(event['api_version']),
    stripeCreated: created,
    raw,
    ...about,
  }
}

function thinObject(event: Json) {
  const objectId = name(event['related_object'])
  return { objectId, subject: objectId }
}

function snapshotObject(event: Json) {
  const object = record(record(event['data'])['object'])
  const objectId = name(object)
  return { objectId, subject: name(subjectOf(object)) ?? objectId }
}

function subjectOf(object: Json): string | null {
  if (object['object'] === 'invoice') return invoiceFacts(object).subscription
  if (object['object'] === 'checkout.session') return checkoutFacts(object).subscription
  if (String(object['object']).startsWith('entitlements.')) return idOf(object['customer'])
  return null
}

/** Which of our handlers an event belongs to; `undefined` is kept and ignored. */
export function familyOf(type: string): Family | undefined {
  if (type.startsWith('customer.subscription.')) return 'subscription'
  if (type.startsWith('checkout.session.')) return 'checkout'
  if (type.startsWith('invoice.')) return 'invoice'
  if (type.startsWith('entitlements.active_entitlement_summary.')) return 'entitlements'
  return /^customer\.(created|updated|deleted)$/.test(type) ? 'customer' : undefined
}

/** The object inside a snapshot; nothing inside a thin one. */
export const objectIn = (raw: string): Json => record(record(record(parse(raw))['data'])['object'])

export const previousIn = (raw: string): Json =>
  record(record(record(parse(raw))['data'])['previous_attributes'])
