import * as z from 'zod'

import type { ChatConfig } from './config.ts'
import { roles } from './conversations.ts'

const streamId = z.string().regex(/^strm_[\w-]{1,64}$/)
const conversationId = z.string().regex(/^conv_[\w-]{1,64}$/)

/** It may be stored, and Postgres text holds no NUL. */
const spoken = z
  .string()
  .min(1)
  .regex(/^[^\0]*$/, { error: 'must not hold NUL' })

const said = z.strictObject({
  role: z.enum(roles),
  content: spoken.describe('The text.'),
})

const eitherOr = { oneOf: [{ required: ['query'] }, { required: ['messages'] }] }

/** A question in our own words: `query`, or `messages`. */
export const questionBody = ({ limits }: ChatConfig) =>
  z
    .strictObject({
      query: spoken.optional().describe('One question.'),
      messages: z
        .array(said)
        .min(1)
        .max(limits.messages)
        .optional()
        .describe('Several messages instead of `query`; the last one is the question.'),
      conversationId: conversationId
        .optional()
        .describe('A stored conversation: its history goes before the question.'),
      model: z.string().min(1).max(100).optional().describe('One of `GET /v1/models`.'),
      maxOutputTokens: z.int().min(1).optional().describe('Longest answer.'),
      temperature: z.number().min(0).max(2).optional(),
    })
    .refine(({ query, messages }) => (query === undefined) !== (messages === undefined), {
      error: 'give either query or messages',
      path: ['query'],
    })
    .meta(eitherOr)

export const streamBody = (config: ChatConfig) => {
  const { shape } = questionBody(config)
  return z
    .strictObject({
      ...shape,
      resumable: z
        .boolean()
        .default(false)
        .describe('Goes on without its reader and can be read again by its `X-Stream-Id`.'),
    })
    .refine(({ query, messages }) => (query === undefined) !== (messages === undefined), {
      error: 'give either query or messages',
      path: ['query'],
    })
    .meta(eitherOr)
}

export const usageShape = z.object({
  inputTokens: z.int(),
  outputTokens: z.int(),
  estimated: z.boolean().describe('Counted by length: the model reported nothing.'),
})

export const answerShape = z.object({
  answer: z.string(),
  streamId: z.string(),
  conversationId: z.string().nullable(),
  messageId: z.string().nullable(),
  model: z.string(),
  finishReason: z.string(),
  usage: usageShape,
})

/** OpenAI's request; what we do not name passes through. */
export const openAiBody = ({ limits }: ChatConfig) =>
  z.looseObject({
    model: z.string().min(1).max(100).optional(),
    messages: z
      .array(z.looseObject({ role: z.string() }))
      .min(1)
      .max(limits.messages),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
    max_tokens: z.int().min(1).nullish(),
    max_completion_tokens: z.int().min(1).nullish(),
    n: z.int().min(1).max(8).nullish(),
  })

/** What every server of that protocol answers; some say more. */
export const openAiCompletion = z.looseObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.int(),
      message: z.looseObject({ role: z.string(), content: z.string().nullish() }),
      finish_reason: z.string().nullable(),
    }),
  ),
  usage: z
    .looseObject({
      prompt_tokens: z.int(),
      completion_tokens: z.int(),
      total_tokens: z.int(),
    })
    .nullish(),
})

export const openAiModel = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
})

export const streamParams = z.object({ id: streamId })
export const conversationParams = z.object({ id: conversationId })
export const modelParams = z.object({ id: z.string().min(1).max(100) })

export const resumeQuery = z.strictObject({
  after: z.coerce.number().int().min(0).optional().describe('Like `Last-Event-ID`.'),
})

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: conversationId.optional(),
})

export const messagesQuery = z.strictObject({
  limit: pageQuery.shape.limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
})

export const conversationShape = z.object({
  id: z.string(),
  title: z.string().nullable(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})

export const messageShape = z.object({
  id: z.string(),
  role: z.enum(roles),
  content: z.string(),
  model: z.string().nullable(),
  finishReason: z.string().nullable(),
  createdAt: z.iso.datetime(),
})

export const pageShape = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

export const newConversation = z.strictObject({
  title: z
    .string()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}*$/u, { error: 'must not hold control characters' })
    .optional(),
})

export const usageReport = z.object({
  plan: z.string(),
  used: z.int().describe('Tokens of this period.'),
  reserved: z.int().describe('Held by answers that are running.'),
  limit: z.int().nullable(),
  resetAt: z.string().nullable(),
  inFlight: z.int().describe('Your answers running on this instance.'),
  limits: z.object({
    concurrent: z.int(),
    requestsPerMinute: z.int(),
    tokensPerMinute: z.int(),
  }),
})
