import { reply } from 'autodocops'
import type { RouteOf } from 'autodocops'

import type { ChatConfig } from './config.ts'
import { replayedEvents } from './encodings.ts'
import { ChatErrors } from './errors.ts'
import { ReplyStream } from './reply-stream.ts'
import { streamTimes } from './routes-chat.ts'
import type { RouteServices } from './route-services.ts'
import { resumeQuery, streamParams } from './shapes.ts'

const notKept = {
  summary: 'One that is not kept, or no longer',
  params: { id: 'strm_01990f3e-7c1a-7d2b-8a52-0c3b9a1f5e77' },
  status: 404,
}

export const streamRoutes = (route: RouteOf<RouteServices>, config: ChatConfig) => [
  route({
    method: 'GET',
    path: '/chat/streams/:id',
    summary: 'Read a kept answer, from where it was lost',
    description: 'Events after `Last-Event-ID`, or all; live while the answer is being written.',
    tags: ['chat'],
    auth: 'user',
    limit: 'default',
    timeoutMs: config.timeouts.heartbeat + 15_000,
    stream: streamTimes(config),
    params: streamParams,
    query: resumeQuery,
    responses: { 200: { description: 'The events', contentType: 'text/event-stream' } },
    errors: [ChatErrors.stream_not_found, ChatErrors.stream_store_unavailable],
    examples: [notKept],
    handler: async ({ streams }, { params, query, principal, signal, ctx }) => {
      const last = /^\d{1,9}$/.exec(ctx.get('last-event-id'))?.[0]
      const after = Number(last ?? query.after ?? 0)
      const events = await streams.follow(params.id, principal.subject, after, signal)
      if (events === undefined) throw ChatErrors.stream_not_found({ id: params.id })
      const source = events[Symbol.asyncIterator]()
      const heartbeatMs = config.timeouts.heartbeat
      return reply(200, new ReplyStream(source, replayedEvents(), { heartbeatMs }), {
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-cache, no-transform',
        'X-Accel-Buffering': 'no',
        'X-Stream-Id': params.id,
      })
    },
  }),
  route({
    method: 'DELETE',
    path: '/chat/streams/:id',
    summary: 'Stop an answer, kept or not, on whichever instance it is written',
    tags: ['chat'],
    auth: 'user',
    limit: 'default',
    timeoutMs: 5_000,
    params: streamParams,
    responses: { 202: { description: 'It stops, or had ended already' } },
    errors: [ChatErrors.stream_not_found, ChatErrors.stream_store_unavailable],
    examples: [notKept],
    handler: async ({ chat }, { params, principal }) => {
      const isFound = await chat.cancel(params.id, principal.subject)
      if (!isFound) throw ChatErrors.stream_not_found({ id: params.id })
      return reply(202)
    },
  }),
]
