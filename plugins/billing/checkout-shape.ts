import { idOf, record, text, time } from './json.ts'
import type { Json } from './json.ts'

export interface CheckoutFacts {
  readonly id: string | null
  readonly customer: string | null
  readonly subscription: string | null
  /** Who bought: our own metadata, else what a payment link was given. */
  readonly owner: string | null
  readonly plan: string | null
  readonly status: 'open' | 'complete' | 'expired' | null
  /** Complete, and the money is there or none was asked for. */
  readonly isPaid: boolean
  readonly url: string | null
  readonly expiresAt: Date | null
}

export function checkoutFacts(session: Json): CheckoutFacts {
  const metadata = record(session['metadata'])
  const paid =
    session['payment_status'] === 'paid' || session['payment_status'] === 'no_payment_required'
  return {
    id: text(session['id']),
    customer: idOf(session['customer']),
    subscription: idOf(session['subscription']),
    owner: text(metadata['owner']) ?? text(session['client_reference_id']),
    plan: text(metadata['plan']),
    status: statusOf(session),
    isPaid: paid && session['status'] !== 'open' && session['status'] !== 'expired',
    url: text(session['url']),
    expiresAt: time(session['expires_at']),
  }
}

/** Sessions had no status before 2022. */
function statusOf(session: Json): CheckoutFacts['status'] {
  const { status } = session as { status?: unknown }
  return status === 'open' || status === 'complete' || status === 'expired' ? status : null
}
