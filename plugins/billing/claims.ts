import type { Knex } from 'knex'

import type { InboxEvent } from './event-shape.ts'
import { changed, inMs, rows } from './sql.ts'

export interface ClaimedEvent extends Pick<
  InboxEvent,
  | 'eventId'
  | 'form'
  | 'type'
  | 'account'
  | 'livemode'
  | 'stripeCreated'
  | 'objectId'
  | 'subject'
  | 'raw'
> {
  readonly id: string
  readonly attempts: number
  readonly receivedAt: Date
  readonly ageMs: number
}

/**
 * An event is `pending`, and then `done`, `ignored` or `dead`. A claim moves its time into the future: whoever
 * dies holding one gives it back by that time passing, so that nothing has to be swept.
 */
export const claim = (
  db: Knex,
  token: string,
  options: { readonly batch: number; readonly claimMs: number },
): Promise<ClaimedEvent[]> =>
  rows<ClaimedEvent>(
    db,
    `update billing_events set claim_token = ?, attempts = attempts + 1, next_attempt_at = ${inMs}
     where id in (
       select id from billing_events
       where status = 'pending' and next_attempt_at <= clock_timestamp()
       order by next_attempt_at, id limit ?::int for update skip locked)
     returning id::text, event_id, form, type, account, livemode, stripe_created, object_id, subject,
       raw, attempts, received_at,
       (extract(epoch from clock_timestamp() - received_at) * 1000)::float8 as age_ms`,
    [token, options.claimMs, options.batch],
  )

/** `note` says why nothing was changed. */
export const finish = (
  db: Knex,
  ids: readonly string[],
  status: 'done' | 'ignored' = 'done',
  note: string | null = null,
): Promise<number> =>
  changed(
    db,
    `update billing_events set status = ?, processed_at = clock_timestamp(), claim_token = null, last_error = ?
     where id = any(?::bigint[])`,
    [status, note, [...ids]],
  )

/** Not its fault: it is tried again soon and nothing is counted. */
export const postpone = (
  db: Knex,
  ids: readonly string[],
  token: string,
  delayMs: number,
): Promise<number> =>
  changed(
    db,
    `update billing_events set claim_token = null, attempts = attempts - 1, next_attempt_at = ${inMs}
     where id = any(?::bigint[]) and claim_token = ? and status = 'pending'`,
    [delayMs, [...ids], token],
  )

/** Tried again after the delay; without one it is dead, until somebody replays it. */
export const fail = (
  db: Knex,
  id: string,
  token: string,
  error: string,
  delayMs: number | undefined,
): Promise<number> =>
  changed(
    db,
    `update billing_events set claim_token = null, last_error = ?, status = ?, next_attempt_at = ${inMs}
     where id = ?::bigint and claim_token = ? and status = 'pending'`,
    [error.slice(0, 500), delayMs === undefined ? 'dead' : 'pending', delayMs ?? 0, id, token],
  )

/** Done ones are kept longer than Stripe's own 30 days, dead ones for ever. */
export const purge = (db: Knex, retentionMs: number): Promise<number> =>
  changed(
    db,
    `delete from billing_events where id in (
       select id from billing_events where status in ('done', 'ignored')
         and received_at < clock_timestamp() - ?::float8 * interval '1 millisecond' limit 1000)`,
    [retentionMs],
  )

const minute = 60_000
const hour = 60 * minute
/** About 46 hours in all; Stripe's own last try is after three days. */
const ladder = [
  5_000,
  15_000,
  minute,
  5 * minute,
  15 * minute,
  hour,
  3 * hour,
  6 * hour,
  12 * hour,
  24 * hour,
] as const

/** `undefined`: it was the last try. ±20 %, so that a storm does not come back as one. */
export function retryDelay(attempts: number, float: () => number): number | undefined {
  const delay = ladder[attempts - 1]
  return delay === undefined ? undefined : Math.round(delay * (0.8 + 0.4 * float()))
}
