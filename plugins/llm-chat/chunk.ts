import * as z from 'zod'

import type { ChatUsage } from './contract.ts'
import { ModelFailure } from './failure.ts'
import type { FailureKind } from './failure.ts'
import type { Completion, Delta, Finish, ToolCallDelta } from './model.ts'

const count = z.int().min(0).max(1_000_000_000)

/** A count that is none takes no answer away: then it is estimated. */
const usage = z.object({ prompt_tokens: count, completion_tokens: count }).nullish().catch(null)

/** Text, or parts of which some are text. */
const content = z
  .union([z.string(), z.array(z.object({ text: z.string().optional().catch(undefined) }))])
  .nullish()

const toolCall = z.object({
  index: z.number().default(0),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
})

/** What we read of a chunk; all the rest passes by. */
const chunkSchema = z.object({
  error: z.unknown().optional(),
  choices: z
    .array(
      z.object({
        index: z.number().default(0),
        delta: z
          .object({
            content,
            tool_calls: z.array(toolCall).nullish(),
            reasoning_content: z.unknown().optional(),
            reasoning: z.unknown().optional(),
            refusal: z.unknown().optional(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage,
})

const completionSchema = z.object({
  choices: z
    .array(
      z.object({
        message: z.object({ content }).nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .min(1),
  usage,
})

export interface Chunk extends Delta {
  /** The choices that end with it. */
  readonly ended: readonly number[]
}

/** Throws a ModelFailure for what is no chunk, and for an error inside the stream. */
export function parseChunk(json: string): Chunk {
  const parsed = chunkSchema.safeParse(parseJson(json))
  if (!parsed.success) throw new ModelFailure('bad_response')
  const { error } = parsed.data
  const choices = parsed.data.choices ?? []
  if (error !== undefined && error !== null) throw new ModelFailure(kindOfError(error))
  const counted = toUsage(parsed.data.usage)
  let text = ''
  let thought = ''
  let finish: Finish | undefined
  const toolCalls: ToolCallDelta[] = []
  const ended: number[] = []
  for (const { index, delta, finish_reason: reason } of choices) {
    text += textOf(delta?.content)
    for (const said of [delta?.reasoning_content, delta?.reasoning, delta?.refusal])
      if (isText(said)) thought += said
    for (const call of delta?.tool_calls ?? []) toolCalls.push(toToolCall(call))
    if (!isText(reason)) continue
    finish ??= toFinish(reason)
    ended.push(index)
  }
  const onlyUsage = counted !== undefined && choices.length === 0
  return { json, text, thought, toolCalls, finish, usage: counted, onlyUsage, ended }
}

/** Likewise, of a whole answer. */
export function parseCompletion(text: string): Completion {
  const json = parseJson(text)
  const { error } = Object(json) as { readonly error?: unknown }
  if (error !== undefined && error !== null) throw new ModelFailure(kindOfError(error))
  const parsed = completionSchema.safeParse(json)
  if (!parsed.success) throw new ModelFailure('bad_response')
  const { choices } = parsed.data
  return {
    json: json as Record<string, unknown>,
    text: choices.map((choice) => textOf(choice.message?.content)).join(''),
    finish: toFinish(choices[0]?.finish_reason ?? 'stop'),
    usage: toUsage(parsed.data.usage),
  }
}

const textOf = (said: z.output<typeof content>): string =>
  typeof said === 'string' ? said : (said ?? []).map((part) => part.text ?? '').join('')

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own message quotes the answer.
    throw new ModelFailure('bad_response')
  }
}

const toFinish = (reason: string): Finish => {
  if (reason === 'length' || reason === 'tool_calls' || reason === 'content_filter') return reason
  return reason === 'function_call' ? 'tool_calls' : 'stop'
}

const toUsage = (counted: z.output<typeof usage>): ChatUsage | undefined =>
  counted
    ? {
        inputTokens: counted.prompt_tokens,
        outputTokens: counted.completion_tokens,
        estimated: false,
      }
    : undefined

const toToolCall = (call: z.output<typeof toolCall>): ToolCallDelta => ({
  index: call.index,
  id: call.id ?? undefined,
  name: call.function?.name ?? undefined,
  argsDelta: call.function?.arguments ?? '',
})

const byCode: Readonly<Record<string, FailureKind>> = {
  context_length_exceeded: 'context_length',
  content_filter: 'content_filter',
  insufficient_quota: 'insufficient_quota',
  rate_limit_exceeded: 'rate_limited',
  invalid_api_key: 'auth',
}

/** By the error's code alone: its message may hold anything. */
export function kindOfError(error: unknown): FailureKind {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : ''
  return (typeof code === 'string' ? byCode[code] : undefined) ?? 'failed'
}
