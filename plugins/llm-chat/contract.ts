import { events, service } from 'autodocops'

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
}

export interface ChatRequest {
  /** A model of the config; its default when absent. */
  readonly model?: string
  readonly messages: readonly ChatMessage[]
  readonly maxOutputTokens?: number
  readonly temperature?: number
}

export interface ChatUsage {
  readonly inputTokens: number
  readonly outputTokens: number
  /** True when the model did not report it and it was counted by length. */
  readonly estimated: boolean
}

export type ChatChunk =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'end'
      readonly reason: 'stop' | 'length' | 'tool_calls' | 'content_filter'
      readonly usage: ChatUsage
    }

/** A client for language models. Failures are problems 502, 503 and 504; the upstream's own never come out. */
export interface LlmClient {
  readonly complete: (
    request: ChatRequest,
    signal: AbortSignal,
  ) => Promise<{ readonly text: string; readonly usage: ChatUsage }>
  /** Ends with exactly one `end` chunk, or throws. */
  readonly stream: (request: ChatRequest, signal: AbortSignal) => AsyncIterable<ChatChunk>
}

export const Llm = service('llm').of<LlmClient>()

/** Who answers; `openai` is any server that speaks its protocol. */
export type Provider = 'openai' | 'azure' | 'fake'

export const ChatEvents = events<{
  'llm-chat:stream-started': { readonly provider: Provider }
  'llm-chat:first-token-received': {
    readonly provider: Provider
    readonly model: string
    readonly durationMs: number
  }
  /** Once for each answer, whatever its end. */
  'llm-chat:request-finished': {
    readonly provider: Provider
    readonly model: string
    readonly outcome: 'ok' | 'error' | 'timeout' | 'rate_limited' | 'aborted' | 'filtered'
    readonly durationMs: number
    /** From the first token to the last, for each token after the first. */
    readonly perTokenMs: number | undefined
    readonly usage: ChatUsage
    readonly costUsd: number
  }
  /** Twice for each answer: what went in, what came out. */
  'llm-chat:tokens-used': {
    readonly provider: Provider
    readonly model: string
    readonly direction: 'input' | 'output'
    readonly tokens: number
  }
  'llm-chat:request-retried': {
    readonly provider: Provider
    readonly reason: '429' | '5xx' | 'timeout'
  }
}>('llm-chat')
