import type { Knex } from 'knex'

import { changed, inMs, rows } from './sql.ts'

/** What we tell Stripe after a commit. */
export type Letter =
  | { readonly kind: 'customer.link'; readonly customer: string; readonly owner: string }
  | { readonly kind: 'checkout.expire'; readonly session: string }

const subjectOf = (letter: Letter) =>
  letter.kind === 'customer.link' ? letter.customer : letter.session

/** The same letter has the same key for ever, so that Stripe takes it once however often it is sent. */
export const post = (db: Knex, letter: Letter): Promise<number> =>
  changed(
    db,
    `insert into billing_outbox (kind, payload, idempotency_key) values (?, ?, ?) on conflict do nothing`,
    [letter.kind, JSON.stringify(letter), `bill:${letter.kind}:${subjectOf(letter)}`],
  )

export interface ClaimedLetter {
  readonly id: string
  readonly payload: string
  readonly idempotencyKey: string
  readonly attempts: number
}

export const claimLetters = (db: Knex, claimMs: number, limit: number): Promise<ClaimedLetter[]> =>
  rows(
    db,
    `update billing_outbox set attempts = attempts + 1, next_attempt_at = ${inMs}
     where id in (
       select id from billing_outbox where status = 'pending' and next_attempt_at <= clock_timestamp()
       order by next_attempt_at, id limit ?::int for update skip locked)
     returning id::text, payload, idempotency_key, attempts`,
    [claimMs, limit],
  )

export const letterSent = (db: Knex, id: string): Promise<number> =>
  changed(db, `update billing_outbox set status = 'done', last_error = null where id = ?::bigint`, [
    id,
  ])

export const letterFailed = (
  db: Knex,
  id: string,
  error: string,
  delayMs: number | undefined,
): Promise<number> =>
  changed(
    db,
    `update billing_outbox set status = ?, last_error = ?, next_attempt_at = ${inMs} where id = ?::bigint`,
    [delayMs === undefined ? 'dead' : 'pending', error.slice(0, 500), delayMs ?? 0, id],
  )
