import type { Knex } from 'knex'

import { changed, row, rows } from './sql.ts'
import type { ItemFacts, SubscriptionFacts } from './subscription-shape.ts'

export interface SubscriptionRow {
  readonly id: string
  readonly customer: string
  readonly owner: string | null
  readonly status: string
  readonly plan: string
  readonly currentPeriodStart: Date | null
  readonly currentPeriodEnd: Date | null
  readonly trialEnd: Date | null
  readonly cancelAt: Date | null
  readonly needsRefetch: boolean
  readonly version: number
}

const columns = `id, customer, owner, status, plan, current_period_start, current_period_end, trial_end,
  cancel_at, needs_refetch, version`

/** What was known before, and whether a fetch since all of these events has seen them already. */
export const findSubscription = (
  db: Knex,
  id: string,
  eventIds: readonly string[] = [],
): Promise<(SubscriptionRow & { readonly isCovered: boolean }) | undefined> =>
  row(
    db,
    `select ${columns}, (not needs_refetch and cardinality(?::bigint[]) > 0 and fetch_started_at > all(
         select received_at from billing_events where id = any(?::bigint[]))) is true as is_covered
     from billing_subscriptions where id = ?`,
    [[...eventIds], [...eventIds], id],
  )

export const subscriptionsOf = (db: Knex, owner: string): Promise<SubscriptionRow[]> =>
  rows(db, `select ${columns} from billing_subscriptions where owner = ?`, [owner])

export interface Change {
  readonly facts: SubscriptionFacts
  readonly account: string
  readonly owner: string | null
  readonly plan: string
  readonly snapshot: string
  readonly source: 'refetch' | 'payload' | 'invoice'
  /** Of a refetch: the moment before it began. */
  readonly fetchStartedAt: string | null
  /** Of a payload: when Stripe made its event. */
  readonly sourceCreated: Date | null
  readonly needsRefetch: boolean
}

/**
 * Writes what was learned unless more is known. Whoever wakes up late with an older fetch changes nothing; a
 * payload from before the last fetch neither; an invoice only makes a first row; an ended subscription stays ended.
 */
export const upsertSubscription = async (db: Knex, change: Change): Promise<boolean> => {
  const { facts } = change
  const written = await changed(
    db,
    `insert into billing_subscriptions as known (id, account, livemode, customer, owner, status, plan,
       current_period_start, current_period_end, trial_end, cancel_at, canceled_at, ended_at,
       latest_invoice, created_at, snapshot, sync_source, fetch_started_at, source_created, needs_refetch)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::timestamptz, ?, ?)
     on conflict (id) do update set
       customer = excluded.customer, owner = coalesce(excluded.owner, known.owner),
       status = excluded.status, plan = excluded.plan,
       current_period_start = excluded.current_period_start,
       current_period_end = excluded.current_period_end, trial_end = excluded.trial_end,
       cancel_at = excluded.cancel_at, canceled_at = excluded.canceled_at, ended_at = excluded.ended_at,
       latest_invoice = excluded.latest_invoice, created_at = excluded.created_at,
       snapshot = excluded.snapshot, sync_source = excluded.sync_source,
       fetch_started_at = coalesce(excluded.fetch_started_at, known.fetch_started_at),
       source_created = coalesce(excluded.source_created, known.source_created),
       needs_refetch = excluded.needs_refetch, version = known.version + 1, updated_at = clock_timestamp()
     where (known.status not in ('canceled', 'incomplete_expired')
         or excluded.status in ('canceled', 'incomplete_expired'))
       and case excluded.sync_source
         when 'refetch' then known.fetch_started_at is null or known.fetch_started_at < excluded.fetch_started_at
         when 'payload' then (known.fetch_started_at is null
             or date_trunc('second', known.fetch_started_at) <= excluded.source_created)
           and (known.source_created is null or known.source_created <= excluded.source_created)
         else known.sync_source = 'invoice' and known.current_period_end < excluded.current_period_end end`,
    [
      facts.id,
      change.account,
      facts.livemode,
      facts.customer,
      change.owner,
      facts.status,
      change.plan,
      facts.currentPeriodStart,
      facts.currentPeriodEnd,
      facts.trialEnd,
      facts.cancelAt,
      facts.canceledAt,
      facts.endedAt,
      facts.latestInvoice,
      facts.createdAt,
      change.snapshot,
      change.source,
      change.fetchStartedAt,
      change.sourceCreated,
      change.needsRefetch,
    ],
  )
  return written > 0
}

export async function replaceItems(
  db: Knex,
  subscription: string,
  items: readonly ItemFacts[],
): Promise<void> {
  await changed(db, `delete from billing_subscription_items where subscription_id = ?`, [
    subscription,
  ])
  await insertItems(db, subscription, items)
}

const insertItems = (
  db: Knex,
  subscription: string,
  items: readonly ItemFacts[],
): Promise<number> =>
  changed(
    db,
    `insert into billing_subscription_items
       (subscription_id, id, price, lookup_key, product, quantity, period_start, period_end)
     select ?, * from unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::int[], ?::timestamptz[],
       ?::timestamptz[]) on conflict do nothing`,
    [
      subscription,
      items.map((item, at) => item.id ?? `item_${at}`),
      items.map((item) => item.price),
      items.map((item) => item.lookupKey),
      items.map((item) => item.product),
      items.map((item) => item.quantity),
      items.map((item) => item.periodStart?.toISOString() ?? null),
      items.map((item) => item.periodEnd?.toISOString() ?? null),
    ],
  )

/** Live ones that have not been looked at for long, or that a payload left in doubt. */
export const dueForRefetch = (
  db: Knex,
  olderThanMs: number,
  limit: number,
): Promise<{ id: string }[]> =>
  rows(
    db,
    `select id from billing_subscriptions
     where needs_refetch or (status not in ('canceled', 'incomplete_expired')
       and coalesce(fetch_started_at, updated_at) < clock_timestamp() - ?::float8 * interval '1 millisecond')
     order by needs_refetch desc, fetch_started_at nulls first limit ?::int`,
    [olderThanMs, limit],
  )

/** Stripe does not know it (any more): nothing to ask for again. */
export const markMissing = (db: Knex, id: string, at: string): Promise<number> =>
  changed(
    db,
    `update billing_subscriptions set needs_refetch = false, fetch_started_at = ?::timestamptz where id = ?`,
    [at, id],
  )

export const countByPlan = (
  db: Knex,
): Promise<{ readonly plan: string; readonly status: string; readonly count: number }[]> =>
  rows(db, `select plan, status, count(*)::int as count from billing_subscriptions group by 1, 2`)
