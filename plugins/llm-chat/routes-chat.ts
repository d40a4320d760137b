import { reply } from 'autodocops'
import type { AnyRequest, Reply, RouteOf } from 'autodocops'

import type { ChatConfig } from './config.ts'
import type { Talk } from './dialogue.ts'
import { eventStream, plainText, replayedEvents, replayedText } from './encodings.ts'
import { ChatErrors } from './errors.ts'
import type { StreamEvent } from './events.ts'
import { isLate, streamHeaders, wantsEvents } from './replies.ts'
import { ReplyStream } from './reply-stream.ts'
import type { RouteServices } from './route-services.ts'
import { answerShape, questionBody, streamBody } from './shapes.ts'

export const failures = [
  ChatErrors.model_not_found,
  ChatErrors.model_not_in_plan,
  ChatErrors.conversation_not_found,
  ChatErrors.context_length_exceeded,
  ChatErrors.model_context_exceeded,
  ChatErrors.model_refused_request,
  ChatErrors.content_filtered,
  ChatErrors.concurrency_limit,
  ChatErrors.request_rate_limit,
  ChatErrors.token_rate_limit,
  ChatErrors.chat_quota_exceeded,
  ChatErrors.too_many_streams,
  ChatErrors.model_unreachable,
  ChatErrors.model_failed,
  ChatErrors.model_overloaded,
  ChatErrors.first_token_timeout,
]

export const chatRoutes = (route: RouteOf<RouteServices>, config: ChatConfig) => [
  route({
    method: 'POST',
    path: '/chat',
    summary: 'Ask, and get the whole answer',
    tags: ['chat'],
    auth: 'user',
    limit: 'chat',
    timeoutMs: config.timeouts.total + 30_000,
    body: { schema: questionBody(config), maxBytes: config.limits.bodyBytes },
    responses: { 200: answerShape },
    errors: failures,
    examples: [{ summary: 'One question', body: { query: 'How do I cache in Node?' } }],
    handler: async ({ dialogue }, { body, principal, signal }) =>
      whole(await dialogue.begin(principal.subject, body, signal, true)),
  }),
  route({
    method: 'POST',
    path: '/chat/stream',
    summary: 'Ask, and read the answer as it is written',
    description: [
      'Text as it comes; with `Accept: text/event-stream` the events `start`, `delta`, `tool_call`,',
      '`usage`, and then one of `done` and `error`. Plain text that fails breaks off its connection.',
    ].join(' '),
    tags: ['chat'],
    auth: 'user',
    limit: 'chat',
    timeoutMs: firstByteMs(config),
    stream: streamTimes(config),
    body: { schema: streamBody(config), maxBytes: config.limits.bodyBytes },
    responses: {
      200: { description: 'The answer', contentType: ['text/plain', 'text/event-stream'] },
    },
    errors: failures,
    examples: [
      { summary: 'One question', body: { query: '¿Cómo implementar cache en .NET?' } },
      {
        summary: 'As events, to be resumed',
        headers: { accept: 'text/event-stream' },
        body: { query: 'What is streaming?', resumable: true },
      },
    ],
    handler: async ({ dialogue, keeping }, request) => {
      const { body, principal, signal } = request
      // A kept answer outlives its request.
      const own = body.resumable ? new AbortController().signal : signal
      const talk = await dialogue.begin(principal.subject, body, own, false)
      if (!body.resumable) return live(talk, request, config)
      const { journal } = await keeping.keep(talk.generation, talk.conversationId)
      return kept(talk, journal.follow(0, signal), request, config)
    },
  }),
]

/** The first byte: three tries at most, and the pauses between them. */
export const firstByteMs = ({ timeouts }: ChatConfig): number => 3 * timeouts.firstToken + 30_000

/** The core cuts a reader that takes nothing; our own times for the model are the shorter ones. */
export const streamTimes = ({ timeouts }: ChatConfig) => ({
  idleMs: Math.max(timeouts.slowClient, timeouts.idle + 5_000),
  totalMs: timeouts.total + 30_000,
})

async function whole({ generation, conversationId, messageId }: Talk): Promise<Reply> {
  let step = await generation.next()
  while (step.done !== true) step = await generation.next()
  const { id, model, finish, usage, text, headers } = generation
  const answer = {
    answer: text,
    streamId: id,
    conversationId: conversationId ?? null,
    messageId: messageId ?? null,
    model,
    finishReason: finish ?? 'stop',
    usage,
  }
  return reply(200, answer, headers)
}

async function live(
  { generation, conversationId }: Talk,
  request: Pick<AnyRequest, 'ctx'>,
  { timeouts }: ChatConfig,
): Promise<Reply> {
  if (!wantsEvents(request)) {
    await generation.open()
    const headers = streamHeaders(generation, 'text/plain', conversationId)
    return reply(200, new ReplyStream(generation, plainText()), headers)
  }
  const options = {
    isLate: await isLate(generation, timeouts.headers),
    heartbeatMs: timeouts.heartbeat,
  }
  const stream = new ReplyStream(generation, eventStream(generation, conversationId), options)
  return reply(200, stream, streamHeaders(generation, 'text/event-stream', conversationId))
}

/** Read from its journal, as any other reader would. */
async function kept(
  { generation, conversationId }: Talk,
  events: AsyncGenerator<readonly StreamEvent[]>,
  request: Pick<AnyRequest, 'ctx'>,
  { timeouts }: ChatConfig,
): Promise<Reply> {
  if (!wantsEvents(request)) {
    await generation.open()
    const headers = streamHeaders(generation, 'text/plain', conversationId)
    return reply(200, new ReplyStream(events, replayedText()), headers)
  }
  const options = {
    isLate: await isLate(generation, timeouts.headers),
    heartbeatMs: timeouts.heartbeat,
  }
  const stream = new ReplyStream(events, replayedEvents(), options)
  return reply(200, stream, streamHeaders(generation, 'text/event-stream', conversationId))
}
