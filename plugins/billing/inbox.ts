import type { Knex } from 'knex'

import type { InboxEvent } from './event-shape.ts'
import { rows } from './sql.ts'

/** An event, and whether anybody here will handle it. */
export interface Incoming extends InboxEvent {
  readonly status: 'pending' | 'ignored'
}

interface Counted {
  event: Incoming
  copies: number
}

const keyOf = (event: { account: string; livemode: boolean; dedupeId: string }) =>
  `${event.account} ${event.livemode} ${event.dedupeId}`

/**
 * Puts deliveries into the inbox; true for each that was not there. Copies of one event in one batch are one
 * row of the statement, and rows are sorted, so that two instances never wait for each other in a circle.
 */
export async function receive(db: Knex, events: readonly Incoming[]): Promise<readonly boolean[]> {
  const distinct = count(events)
  const stored = await insertEvents(db, distinct)
  const fresh = new Set(stored.filter((row) => row.isFresh).map(keyOf))
  return events.map((event) => fresh.delete(keyOf(event)))
}

function count(events: readonly Incoming[]): readonly Counted[] {
  const found = new Map<string, Counted>()
  for (const event of events) {
    const key = keyOf(event)
    const known = found.get(key) ?? { event, copies: 0 }
    known.copies += 1
    if (event.form === 'snapshot') known.event = event
    found.set(key, known)
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counted]) => counted)
}

interface Stored {
  readonly account: string
  readonly livemode: boolean
  readonly dedupeId: string
  readonly isFresh: boolean
}

/** A snapshot that follows its thin twin brings the payload along; an ignored one may be wanted by now. */
async function insertEvents(db: Knex, events: readonly Counted[]): Promise<readonly Stored[]> {
  const column = (value: (event: Incoming) => string | boolean | null) =>
    events.map(({ event }) => value(event))
  return rows<Stored>(
    db,
    `insert into billing_events as known (event_id, dedupe_id, form, type, account, livemode,
       api_version, stripe_created, object_id, subject, raw, status, deliveries)
     select * from unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::boolean[],
       ?::text[], ?::timestamptz[], ?::text[], ?::text[], ?::text[], ?::text[], ?::int[])
     on conflict (account, livemode, dedupe_id) do update set
       deliveries = known.deliveries + excluded.deliveries,
       raw = case when known.form = 'thin' then excluded.raw else known.raw end,
       subject = case when known.form = 'thin' then excluded.subject else known.subject end,
       form = case when known.form = 'thin' then excluded.form else known.form end,
       status = case when known.status = 'ignored' then excluded.status else known.status end
     returning account, livemode, dedupe_id, (xmax = 0) as is_fresh`,
    [
      column((event) => event.eventId),
      column((event) => event.dedupeId),
      column((event) => event.form),
      column((event) => event.type),
      column((event) => event.account),
      column((event) => event.livemode),
      column((event) => event.apiVersion),
      column((event) => event.stripeCreated.toISOString()),
      column((event) => event.objectId),
      column((event) => event.subject),
      column((event) => event.raw),
      column((event) => event.status),
      events.map(({ copies }) => copies),
    ],
  )
}
