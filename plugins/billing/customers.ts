import type { Knex } from 'knex'

import { changed, row, rows } from './sql.ts'

export interface Customer {
  readonly id: string
  readonly owner: string
}

/** The customer that an owner's next checkout takes: the first that he ever was. */
export const customerOf = (
  db: Knex,
  owner: string,
  livemode: boolean | undefined,
): Promise<Customer | undefined> =>
  row(
    db,
    `select id, owner from billing_customers
     where owner = ? and deleted_at is null and livemode = coalesce(?::boolean, livemode)
     order by created_at, id limit 1`,
    [owner, livemode ?? null],
  )

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

export const markDeleted = (db: Knex, id: string): Promise<number> =>
  changed(
    db,
    `update billing_customers set deleted_at = coalesce(deleted_at, clock_timestamp()) where id = ?`,
    [id],
  )
