import type { Knex } from 'knex'

import { changed, inMs, row } from './sql.ts'

/** `takenAt` is the fence of whatever is fetched under it: the database's clock, as text, to the microsecond. */
export interface Lease {
  readonly name: string
  readonly token: string
  readonly takenAt: string
}

/** Holds a name for a while; `undefined` when somebody else does. A row, since an advisory lock binds a connection. */
export async function takeLease(
  db: Knex,
  name: string,
  token: string,
  ms: number,
): Promise<Lease | undefined> {
  const taken = await row<{ takenAt: string }>(
    db,
    `insert into billing_leases as held (name, token, until) values (?, ?, ${inMs})
     on conflict (name) do update set token = excluded.token, until = excluded.until
       where held.until < clock_timestamp()
     returning clock_timestamp()::text as taken_at`,
    [name, token, ms],
  )
  return taken && { name, token, takenAt: taken.takenAt }
}

/** For so long from now. False: somebody else holds it by now. */
export const renewLease = async (db: Knex, { name, token }: Lease, ms: number): Promise<boolean> =>
  (await changed(db, `update billing_leases set until = ${inMs} where name = ? and token = ?`, [
    ms,
    name,
    token,
  ])) > 0

/** False: it ran out and somebody else holds it. Inside a transaction this is the check and the release in one. */
export const endLease = async (db: Knex, { name, token }: Lease): Promise<boolean> =>
  (await changed(db, `delete from billing_leases where name = ? and token = ?`, [name, token])) > 0
