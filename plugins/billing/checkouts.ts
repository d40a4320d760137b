import type { Knex } from 'knex'

import { changed, row, rows } from './sql.ts'

export interface Checkout {
  readonly id: string
  readonly owner: string
  readonly plan: string
  readonly status: 'open' | 'complete' | 'expired'
  readonly url: string | null
  readonly expiresAt: Date
}

const columns = 'id, owner, plan, status, url, expires_at'

export const findCheckout = (db: Knex, id: string): Promise<Checkout | undefined> =>
  row(db, `select ${columns} from billing_checkouts where id = ?`, [id])

/** The one that is still open for this plan; a minute before its end it is no use any more. */
export const openCheckout = (
  db: Knex,
  owner: string,
  plan: string,
): Promise<Checkout | undefined> =>
  row(
    db,
    `select ${columns} from billing_checkouts
     where owner = ? and plan = ? and status = 'open' and expires_at > clock_timestamp() + interval '1 minute'`,
    [owner, plan],
  )

export const openCheckoutsOf = (db: Knex, owner: string): Promise<Checkout[]> =>
  rows(db, `select ${columns} from billing_checkouts where owner = ? and status = 'open'`, [owner])

/** How many there were: part of the next one's idempotency key. */
export const countCheckouts = async (db: Knex, owner: string, plan: string): Promise<number> =>
  (
    await row<{ count: number }>(
      db,
      `select count(*)::int as count from billing_checkouts where owner = ? and plan = ?`,
      [owner, plan],
    )
  )?.count ?? 0

export const expireOldCheckouts = (db: Knex, owner: string, plan: string): Promise<number> =>
  changed(
    db,
    `update billing_checkouts set status = 'expired' where owner = ? and plan = ? and status = 'open'
       and expires_at <= clock_timestamp() + interval '1 minute'`,
    [owner, plan],
  )

/** False: another request was faster, its session is the one. */
export const insertCheckout = async (
  db: Knex,
  checkout: Omit<Checkout, 'status'> & { readonly key: string },
): Promise<boolean> =>
  (await changed(
    db,
    `insert into billing_checkouts (id, owner, plan, url, expires_at, idempotency_key)
     values (?, ?, ?, ?, ?, ?) on conflict do nothing`,
    [checkout.id, checkout.owner, checkout.plan, checkout.url, checkout.expiresAt, checkout.key],
  )) > 0

/** A complete one stays complete. */
export const closeCheckout = (
  db: Knex,
  id: string,
  status: 'complete' | 'expired',
): Promise<{ plan: string } | undefined> =>
  row(
    db,
    `update billing_checkouts set status = case when status = 'complete' then status else ? end
     where id = ? returning plan`,
    [status, id],
  )
