import type { Random } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'
import type { Knex } from 'knex'

import type { MeterUsage, Reservation } from './contract.ts'
import { databaseTime } from './cursors.ts'
import type { Entitlements } from './entitlements.ts'
import { changed, inMs, row } from './sql.ts'
import { windowOf } from './usage-window.ts'
import type { Window } from './usage-window.ts'

interface Needs {
  readonly database: DatabaseService
  readonly entitlements: Entitlements
  readonly random: Random
}

interface Counted {
  readonly used: number
  readonly reserved: number
}

/** Thrown inside the transaction to undo the reservation; never seen outside. */
class Exceeded extends Error {}

/**
 * Meters: what was used is `used`, what is promised to work under way is `reserved`; together never over the limit.
 * The month and the day are those of the database's clock, or an instance whose clock is off would count elsewhere.
 */
export class Usage {
  readonly #needs: Needs

  constructor(needs: Needs) {
    this.#needs = needs
  }

  async of(owner: string, meter: string): Promise<MeterUsage> {
    const { limit, window } = await this.#ruleOf(owner, meter)
    const counted = await findUsage(this.#needs.database.knex, owner, meter, window.start)
    return { used: 0, reserved: 0, ...counted, limit, resetAt: window.resetAt }
  }

  async reserve(
    owner: string,
    meter: string,
    amount: number,
    { key, ttlMs }: { readonly key: string; readonly ttlMs: number },
  ): Promise<Reservation> {
    if (!Number.isSafeInteger(amount) || amount < 0)
      throw new RangeError(`cannot reserve ${amount}`)
    const { limit, window } = await this.#ruleOf(owner, meter)
    const wanted = { id: `rsv_${this.#needs.random.uuid()}`, owner, meter, key, amount, ttlMs }
    const taken = await this.#take({ ...wanted, limit, start: window.start })
    if (taken) {
      const { id, used, reserved } = taken
      const remaining = limit === null ? null : Math.max(0, limit - used - reserved)
      return { ok: true, id, remaining, resetAt: window.resetAt }
    }
    const { used, reserved } = await this.of(owner, meter)
    const remaining = Math.max(0, (limit ?? 0) - used - reserved)
    return { ok: false, remaining, resetAt: window.resetAt }
  }

  async commit(id: string, actual: number): Promise<void> {
    await settle(this.#needs.database.knex, id, 'committed', Math.max(0, Math.round(actual)))
  }

  async release(id: string): Promise<void> {
    await settle(this.#needs.database.knex, id, 'released', 0)
  }

  async #take(wanted: Wanted): Promise<(Counted & { id: string }) | undefined> {
    const { knex } = this.#needs.database
    try {
      return await knex.transaction(async (trx) => {
        await openUsage(trx, wanted)
        const isNew = await insertReservation(trx, wanted)
        if (!isNew) return findReservation(trx, wanted)
        const counted = await addReserved(trx, wanted)
        if (!counted) throw new Exceeded()
        return { ...counted, id: wanted.id }
      })
    } catch (error) {
      if (error instanceof Exceeded) return undefined
      throw error
    }
  }

  async #ruleOf(owner: string, meter: string): Promise<{ limit: number | null; window: Window }> {
    const { plan, state } = await this.#needs.entitlements.of(owner)
    const rule = plan.limits[meter]
    const now = await databaseTime(this.#needs.database.knex)
    return { limit: rule?.amount ?? null, window: windowOf(rule?.per ?? 'period', state, now) }
  }
}

interface Wanted {
  readonly id: string
  readonly owner: string
  readonly meter: string
  readonly key: string
  readonly amount: number
  readonly ttlMs: number
  readonly limit: number | null
  readonly start: Date
}

const counts = 'used::float8 as used, reserved::float8 as reserved'

const findUsage = (
  db: Knex,
  owner: string,
  meter: string,
  start: Date,
): Promise<Counted | undefined> =>
  row(
    db,
    `select ${counts} from billing_usages where owner = ? and meter = ? and period_start = ?`,
    [owner, meter, start],
  )

const openUsage = (db: Knex, { owner, meter, start }: Wanted): Promise<number> =>
  changed(
    db,
    `insert into billing_usages (owner, meter, period_start) values (?, ?, ?) on conflict do nothing`,
    [owner, meter, start],
  )

const insertReservation = async (db: Knex, wanted: Wanted): Promise<boolean> =>
  (await changed(
    db,
    `insert into billing_reservations (id, owner, meter, key, period_start, amount, expires_at)
     values (?, ?, ?, ?, ?, ?, ${inMs}) on conflict (owner, meter, key) do nothing`,
    [wanted.id, wanted.owner, wanted.meter, wanted.key, wanted.start, wanted.amount, wanted.ttlMs],
  )) > 0

const findReservation = (
  db: Knex,
  { owner, meter, key }: Wanted,
): Promise<(Counted & { id: string }) | undefined> =>
  row(
    db,
    `select r.id, ${counts} from billing_reservations r
     join billing_usages u using (owner, meter, period_start) where r.owner = ? and r.meter = ? and r.key = ?`,
    [owner, meter, key],
  )

/** The limit holds because the row is locked by the very statement that asks. */
const addReserved = (db: Knex, wanted: Wanted): Promise<Counted | undefined> =>
  row(
    db,
    `update billing_usages set reserved = reserved + ?::bigint
     where owner = ? and meter = ? and period_start = ?
       and (?::bigint is null or used + reserved + ?::bigint <= ?::bigint)
     returning ${counts}`,
    [
      wanted.amount,
      wanted.owner,
      wanted.meter,
      wanted.start,
      wanted.limit,
      wanted.amount,
      wanted.limit,
    ],
  )

/** Once: a settled reservation is settled. One that ran out is still counted when its work comes to an end. */
const settle = (
  db: Knex,
  id: string,
  status: 'committed' | 'released',
  actual: number,
): Promise<number> =>
  changed(
    db,
    `with open as (
       select * from billing_reservations where id = ? and status in ('held', 'expired') for update),
     settled as (
       update billing_reservations r set status = ?, actual = ?::bigint from open where r.id = open.id returning r.id)
     update billing_usages u set used = used + ?::bigint,
       reserved = reserved - case when open.status = 'held' then open.amount else 0 end
     from open join settled using (id)
     where u.owner = open.owner and u.meter = open.meter and u.period_start = open.period_start`,
    [id, status, actual, actual],
  )

/** Gives back what work that never ended had reserved. */
export const sweepReservations = (db: Knex): Promise<number> =>
  changed(
    db,
    `with gone as (
       update billing_reservations set status = 'expired' where id in (
         select id from billing_reservations where status = 'held' and expires_at < clock_timestamp()
         limit 500 for update skip locked)
       returning owner, meter, period_start, amount),
     sums as (select owner, meter, period_start, sum(amount) as amount from gone group by 1, 2, 3)
     update billing_usages u set reserved = u.reserved - sums.amount from sums
     where u.owner = sums.owner and u.meter = sums.meter and u.period_start = sums.period_start`,
  )

/** Those that are settled or ran out long ago; what was used stays in the sum of its month. */
export const purgeReservations = (db: Knex, retentionMs: number): Promise<number> =>
  changed(
    db,
    `delete from billing_reservations where id in (
       select id from billing_reservations where status <> 'held'
         and expires_at < clock_timestamp() - ?::float8 * interval '1 millisecond' limit 1000)`,
    [retentionMs],
  )
