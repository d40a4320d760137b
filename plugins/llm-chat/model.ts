import type { ChatUsage, Provider } from './contract.ts'

export const finishes = ['stop', 'length', 'tool_calls', 'content_filter'] as const
export type Finish = (typeof finishes)[number]

export interface ToolCallDelta {
  readonly index: number
  readonly id: string | undefined
  readonly name: string | undefined
  readonly argsDelta: string
}

/** One chunk of an answer. */
export interface Delta {
  /** The chunk as OpenAI's protocol writes it; goes out unchanged on /v1. */
  readonly json: string
  readonly text: string
  /** What it reasons, or why it refuses: work, and no part of the answer. */
  readonly thought: string
  readonly toolCalls: readonly ToolCallDelta[]
  readonly finish: Finish | undefined
  readonly usage: ChatUsage | undefined
  /** It holds the usage and nothing else: only for clients that asked for it. */
  readonly onlyUsage: boolean
}

/** A whole answer, not streamed. */
export interface Completion {
  readonly json: Readonly<Record<string, unknown>>
  readonly text: string
  readonly finish: Finish
  readonly usage: ChatUsage | undefined
}

/** A question in OpenAI's words, without `model`, `stream` and the output limit. */
export interface Question {
  readonly body: Readonly<Record<string, unknown>>
  readonly maxOutputTokens: number
  /** How many answers (`n`); each one ends with its own finish. */
  readonly choices: number
}

/**
 * One model at one place. A stream ends normally only after every finish; else it throws a ModelFailure,
 * also when the signal is aborted, at once. `return()` closes the upstream's socket. Nothing is read from
 * the upstream while the consumer waits. One batch is what one read brought.
 */
export interface Model {
  readonly provider: Provider
  readonly stream: (question: Question, signal: AbortSignal) => AsyncIterable<readonly Delta[]>
  readonly complete: (question: Question, signal: AbortSignal) => Promise<Completion>
  readonly close: () => Promise<void>
}
