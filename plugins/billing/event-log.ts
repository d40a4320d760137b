import type { Knex } from 'knex'

import { changed, row, rows } from './sql.ts'

export const eventStatuses = ['pending', 'done', 'ignored', 'dead'] as const
export type EventStatus = (typeof eventStatuses)[number]

export interface LoggedEvent {
  readonly id: string
  readonly eventId: string
  readonly type: string
  readonly form: string
  readonly status: EventStatus
  readonly subject: string | null
  readonly livemode: boolean
  readonly attempts: number
  readonly deliveries: number
  readonly createdAt: Date
  readonly receivedAt: Date
  readonly processedAt: Date | null
  readonly nextAttemptAt: Date | null
  readonly lastError: string | null
}

export interface EventFilter {
  readonly status?: EventStatus | undefined
  readonly type?: string | undefined
  readonly subject?: string | undefined
  readonly since?: Date | undefined
}

const columns = `id::text, event_id, type, form, status, subject, livemode, attempts, deliveries,
  stripe_created as created_at, received_at, processed_at, last_error,
  case when status = 'pending' then next_attempt_at end as next_attempt_at`

const where = `(?::text is null or status = ?) and (?::text is null or type = ?)
  and (?::text is null or subject = ?) and (?::timestamptz is null or received_at >= ?)`

function values({ status, type, subject, since }: EventFilter) {
  const pairs = [status, type, subject, since].map((value) => [value ?? null, value ?? null])
  return pairs.flat()
}

/** Newest first; `before` is the id of the last one seen. */
export const listEvents = (
  db: Knex,
  filter: EventFilter,
  page: { readonly limit: number; readonly before?: string | undefined },
): Promise<LoggedEvent[]> =>
  rows(
    db,
    `select ${columns} from billing_events where ${where} and (?::bigint is null or id < ?::bigint)
     order by id desc limit ?::int`,
    [...values(filter), page.before ?? null, page.before ?? null, page.limit],
  )

/** By our id or Stripe's. */
export const findEvent = (
  db: Knex,
  id: string,
): Promise<(LoggedEvent & { readonly raw: string }) | undefined> =>
  row(db, `select ${columns}, raw from billing_events where id::text = ? or event_id = ? limit 1`, [
    id,
    id,
  ])

/** Once more from the start. The ledger of effects stays, so that nothing is done twice. */
export const replayEvent = async (db: Knex, id: string): Promise<boolean> =>
  (await changed(db, `${replay} where id::text = ? or event_id = ?`, [id, id])) > 0

/** How many are worked again. */
export const replayEvents = (db: Knex, filter: EventFilter): Promise<number> =>
  changed(db, `${replay} where ${where}`, values(filter))

/** Received anew, or a fetch since its first coming would be said to have covered it. */
const replay = `update billing_events set status = 'pending', attempts = 0, claim_token = null,
  next_attempt_at = clock_timestamp(), received_at = clock_timestamp(), processed_at = null`

export interface Backlog {
  readonly pending: number
  readonly dead: number
}

export const backlogOf = async (db: Knex): Promise<Backlog> =>
  (await row<Backlog>(
    db,
    `select count(*) filter (where status = 'pending')::int as pending,
       count(*) filter (where status = 'dead')::int as dead
     from billing_events where status in ('pending', 'dead')`,
  )) ?? { pending: 0, dead: 0 }
