import type { Knex } from 'knex'

import { changed } from './sql.ts'

export interface Effect {
  readonly effect: string
  /** What it is done once for: an invoice, not an event, since two events tell of one payment. */
  readonly key: string
  readonly eventId: string
}

/** True for the first, for ever. In the transaction that marks the event. */
export const claimEffect = async (db: Knex, { effect, key, eventId }: Effect): Promise<boolean> =>
  (await changed(
    db,
    `insert into billing_effects (effect, business_key, event_id) values (?, ?, ?) on conflict do nothing`,
    [effect, key, eventId],
  )) > 0
