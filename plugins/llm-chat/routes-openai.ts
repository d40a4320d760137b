import { reply } from 'autodocops'
import type { RouteOf } from 'autodocops'
import * as z from 'zod'

import type { ChatConfig } from './config.ts'
import { openAiStream } from './encodings.ts'
import { isLate, streamHeaders } from './replies.ts'
import { ChatErrors } from './errors.ts'
import { ReplyStream } from './reply-stream.ts'
import { failures, firstByteMs, streamTimes } from './routes-chat.ts'
import type { RouteServices } from './route-services.ts'
import type { Asked } from './service.ts'
import { modelParams, openAiBody, openAiCompletion, openAiModel } from './shapes.ts'

/** Since we have no birthday of a model: that of this protocol's route. */
const created = 1_767_225_600

/** What any client of OpenAI's protocol uses. Errors leave in its envelope: the core sees to that. */
export const openAiRoutes = (route: RouteOf<RouteServices>, config: ChatConfig) => [
  route({
    method: 'POST',
    path: '/v1/chat/completions',
    summary: 'Chat completions, as OpenAI’s',
    description: 'Fields that are not listed pass through to the model.',
    tags: ['openai'],
    auth: 'user',
    limit: 'chat',
    timeoutMs: Math.max(firstByteMs(config), config.timeouts.total + 30_000),
    stream: streamTimes(config),
    body: { schema: openAiBody(config), maxBytes: config.limits.bodyBytes },
    responses: {
      200: {
        description: 'The completion, or its chunks with `"stream": true`',
        schema: openAiCompletion,
        contentType: ['application/json', 'text/event-stream'],
      },
    },
    examples: [
      {
        summary: 'A stream',
        body: { messages: [{ role: 'user', content: 'Hola' }], stream: true },
      },
    ],
    errors: failures,
    handler: async ({ chat }, { body, principal, signal }) => {
      const asked = toAsked(principal.subject, body)
      if (body.stream !== true) {
        const { completion, headers } = await chat.complete(asked, signal)
        return reply(200, completion.json, headers)
      }
      const generation = await chat.ask(asked, signal)
      const { headers: headersMs, heartbeat } = config.timeouts
      const late = await isLate(generation, headersMs)
      const wantsUsage = body.stream_options?.include_usage === true
      const stream = new ReplyStream(generation, openAiStream(wantsUsage), {
        isLate: late,
        heartbeatMs: heartbeat,
      })
      return reply(200, stream, streamHeaders(generation, 'text/event-stream'))
    },
  }),
  route({
    method: 'GET',
    path: '/v1/models',
    summary: 'The models that can be asked',
    tags: ['openai'],
    auth: 'user',
    limit: 'default',
    timeoutMs: 5_000,
    responses: { 200: z.object({ object: z.literal('list'), data: z.array(openAiModel) }) },
    examples: [{ summary: 'All of them' }],
    handler: ({ models }) => ({
      object: 'list',
      data: models.list().map(({ name }) => toModel(name)),
    }),
  }),
  route({
    method: 'GET',
    path: '/v1/models/:id',
    summary: 'One model',
    tags: ['openai'],
    auth: 'user',
    limit: 'default',
    timeoutMs: 5_000,
    params: modelParams,
    responses: { 200: openAiModel },
    errors: [ChatErrors.model_not_found],
    examples: [{ summary: 'One that is not there', params: { id: 'no-such-model' }, status: 404 }],
    handler: ({ models }, { params }) => toModel(models.find(params.id).name),
  }),
]

const toModel = (id: string) => ({ id, object: 'model', created, owned_by: 'autodocops' })

function toAsked(owner: string, body: z.output<ReturnType<typeof openAiBody>>): Asked {
  const {
    model,
    stream: _stream,
    stream_options: options,
    max_tokens: maxTokens,
    max_completion_tokens: maxCompletionTokens,
    ...rest
  } = body
  // We ask for the usage ourselves.
  const { include_usage: _usage, ...others } = options ?? {}
  const hasOthers = Object.keys(others).length > 0
  return {
    owner,
    model,
    body: { ...rest, ...(hasOthers && { stream_options: others }) },
    maxOutputTokens: maxCompletionTokens ?? maxTokens ?? undefined,
    choices: rest.n ?? 1,
  }
}
