import type { OperationOf, Route } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'
import * as z from 'zod'

import { E } from './errors.ts'
import { findEvent, listEvents, replayEvent } from './event-log.ts'
import { parse } from './json.ts'
import { EventList, EventQuery, EventView } from './schemas.ts'
import type { Worker } from './worker.ts'

interface Services {
  readonly database: DatabaseService
  readonly worker: Worker
}

const tags = ['billing']
const params = z.object({ id: z.string().regex(/^[\w.-]{1,255}$/) })

/** The inbox, for whoever runs the server. */
export const operations = ({ route }: { route: OperationOf<Services> }): readonly Route[] => [
  route({
    method: 'GET',
    path: '/admin/billing/events',
    summary: 'List webhook events, the newest first',
    tags,
    timeoutMs: 5_000,
    query: EventQuery,
    responses: { 200: EventList },
    examples: [{ summary: 'The dead ones', query: { status: 'dead' } }],
    handler: async ({ database }, { query: { limit, cursor, ...filter } }) => {
      const items = await listEvents(database.knex, filter, { limit, before: cursor })
      return { items, nextCursor: items.length < limit ? null : (items.at(-1)?.id ?? null) }
    },
  }),
  route({
    method: 'GET',
    path: '/admin/billing/events/:id',
    summary: 'Show one event with what Stripe sent',
    tags,
    timeoutMs: 5_000,
    params,
    responses: { 200: EventView.extend({ payload: z.unknown() }) },
    errors: [E.event_not_found],
    examples: [{ summary: 'One that is not there', params: { id: 'evt_0' }, status: 404 }],
    handler: async ({ database }, { params: { id } }) => {
      const found = await findEvent(database.knex, id)
      if (!found) throw E.event_not_found()
      const { raw, ...event } = found
      return { ...event, payload: parse(raw) }
    },
  }),
  route({
    method: 'POST',
    path: '/admin/billing/events/:id/replay',
    summary: 'Work an event again; what it has already caused is not caused again',
    tags,
    timeoutMs: 5_000,
    params,
    body: { schema: z.strictObject({}).optional(), maxBytes: 1_024 },
    responses: { 200: z.object({ replayed: z.number() }) },
    errors: [E.event_not_found],
    examples: [{ summary: 'One that is not there', params: { id: 'evt_0' }, status: 404 }],
    handler: async ({ database, worker }, { params: { id } }) => {
      if (!(await replayEvent(database.knex, id))) throw E.event_not_found()
      worker.wake()
      return { replayed: 1 }
    },
  }),
]
