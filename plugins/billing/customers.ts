import type { Knex } from 'knex'

import { changed, row, rows } from './sql.ts'

export interface Customer {
  readonly id: string
  readonly owner: string
}

/**
 * The customer that an owner's next checkout and his portal take: who has a subscription that goes on, else the first
 * that he ever was. One that only a subscription names was made in Stripe's dashboard.
 */
export const customerOf = async (
  db: Knex,
  owner: string,
  livemode: boolean | undefined,
): Promise<string | undefined> =>
  (
    await row<{ readonly id: string }>(
      db,
      `with held as (
         select id, created_at from billing_customers
         where owner = ? and account = '' and livemode = coalesce(?::boolean, livemode) and deleted_at is null
         union all
         select customer, min(created_at) from billing_subscriptions
         where owner = ? and account = '' and livemode = coalesce(?::boolean, livemode)
           and customer not in (select id from billing_customers)
         group by customer)
       select id from held order by exists (
         select from billing_subscriptions s where s.customer = held.id and s.owner = ?
           and s.status not in ('canceled', 'incomplete_expired')) desc, created_at, id limit 1`,
      [owner, livemode ?? null, owner, livemode ?? null, owner],
    )
  )?.id

/** How many of an owner's Stripe has deleted: part of the next one's idempotency key. */
export const countDeleted = async (db: Knex, owner: string): Promise<number> =>
  (
    await row<{ readonly count: number }>(
      db,
      `select count(*)::int as count from billing_customers where owner = ? and deleted_at is not null`,
      [owner],
    )
  )?.count ?? 0

/** Whose a customer is: by a checkout of ours, or by what one of its subscriptions says of itself. */
export const ownerOf = async (db: Knex, customer: string): Promise<string | null> =>
  (
    await row<{ readonly owner: string | null }>(
      db,
      `select coalesce(
         (select owner from billing_customers where id = ?),
         (select owner from billing_subscriptions where customer = ? and owner is not null
          order by created_at desc limit 1)) as owner`,
      [customer, customer],
    )
  )?.owner ?? null

/** True when it was not known. The first owner of a customer stays. */
export const insertCustomer = async (
  db: Knex,
  customer: Customer & { readonly account: string; readonly livemode: boolean },
): Promise<boolean> =>
  (await changed(
    db,
    `insert into billing_customers (id, account, livemode, owner) values (?, ?, ?, ?)
     on conflict (id) do nothing`,
    [customer.id, customer.account, customer.livemode, customer.owner],
  )) > 0

/** Subscriptions that came before anybody knew whose they are. */
export const adoptSubscriptions = (
  db: Knex,
  { id, owner }: Customer,
): Promise<{ readonly plan: string; readonly status: string }[]> =>
  rows(
    db,
    `update billing_subscriptions set owner = ?, updated_at = clock_timestamp()
     where customer = ? and owner is null returning plan, status`,
    [owner, id],
  )

/** One that Stripe has told of. */
export const markDeleted = (db: Knex, id: string): Promise<number> =>
  changed(
    db,
    `update billing_customers set deleted_at = coalesce(deleted_at, clock_timestamp()) where id = ?`,
    [id],
  )

/** One that was asked for and is gone; it may have been known by its subscriptions alone. */
export const insertDeleted = (
  db: Knex,
  customer: Customer & { readonly livemode: boolean },
): Promise<number> =>
  changed(
    db,
    `insert into billing_customers (id, livemode, owner, deleted_at) values (?, ?, ?, clock_timestamp())
     on conflict (id) do update set deleted_at = excluded.deleted_at`,
    [customer.id, customer.livemode, customer.owner],
  )
