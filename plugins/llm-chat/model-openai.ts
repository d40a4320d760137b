import type OpenAI from 'openai'
import type { Agent } from 'undici'

import { AnswerStream, broken, StreamReading } from './answer-stream.ts'
import { kindOfError, parseCompletion } from './chunk.ts'
import type { Provider } from './contract.ts'
import { ModelFailure } from './failure.ts'
import type { FailureKind } from './failure.ts'
import type { Completion, Model, Question } from './model.ts'
import { readText, upstreamAgent, upstreamFetch, UpstreamResponse } from './upstream-fetch.ts'

const maxCompletionBytes = 8_388_608

export interface OpenAiOptions {
  readonly provider: Extract<Provider, 'openai' | 'azure'>
  readonly model: string
  readonly baseUrl: string
  readonly apiKey: string | undefined
  readonly apiVersion: string
  readonly includeUsage: boolean
  readonly requireFinish: boolean
  readonly maxTokensParam: 'max_tokens' | 'max_completion_tokens'
  readonly connectMs: number
}

/**
 * OpenAI, Azure OpenAI and whatever speaks their protocol. The SDK makes the request: URL, authentication,
 * errors. It is loaded at the first one (it costs half a second). We read the reply ourselves: the SDK's own
 * iteration ends silently on an early end and on an abort, and hangs for ever on a stalled body.
 */
export class OpenAiModel implements Model {
  readonly provider: OpenAiOptions['provider']
  readonly #options: OpenAiOptions
  #client: Promise<OpenAI> | undefined
  #agent: Agent | undefined

  constructor(options: OpenAiOptions) {
    this.provider = options.provider
    this.#options = options
  }

  stream(question: Question, signal: AbortSignal): AnswerStream {
    const reading = new StreamReading(question.choices, this.#options.requireFinish)
    return new AnswerStream(() => this.#send(question, signal, true), reading, signal)
  }

  async complete(question: Question, signal: AbortSignal): Promise<Completion> {
    const { source } = await this.#send(question, signal, false)
    try {
      return parseCompletion(await readText(source, maxCompletionBytes))
    } catch (error) {
      throw error instanceof ModelFailure ? error : broken(signal)
    }
  }

  async close(): Promise<void> {
    await this.#agent?.destroy()
  }

  async #send(question: Question, signal: AbortSignal, stream: boolean): Promise<UpstreamResponse> {
    const { model, includeUsage, maxTokensParam } = this.#options
    const { stream_options: options, ...asked } = question.body
    const body = {
      ...asked,
      model,
      stream,
      ...(stream &&
        includeUsage && { stream_options: { ...Object(options), include_usage: true } }),
      [maxTokensParam]: question.maxOutputTokens,
    }
    const client = await this.#connect()
    try {
      const response = await client.chat.completions
        .create(body as unknown as OpenAI.ChatCompletionCreateParams, { signal })
        .asResponse()
      if (!(response instanceof UpstreamResponse)) throw new ModelFailure('bad_response')
      return response
    } catch (error) {
      throw signal.aborted ? new ModelFailure('aborted') : toFailure(error)
    }
  }

  #connect(): Promise<OpenAI> {
    this.#client ??= this.#load()
    return this.#client
  }

  async #load(): Promise<OpenAI> {
    const { baseUrl, apiKey, apiVersion, model, provider, connectMs } = this.#options
    const sdk = await import('openai')
    this.#agent = await upstreamAgent(connectMs)
    const settings = {
      apiKey: apiKey ?? 'none',
      organization: null,
      project: null,
      maxRetries: 0,
      timeout: 86_400_000,
      logLevel: 'off',
      fetch: upstreamFetch(this.#agent),
      ...(apiKey === undefined && { defaultHeaders: { Authorization: null, 'api-key': null } }),
    } as const
    // `baseURL: null`, or the SDK takes OPENAI_BASE_URL from the environment and refuses both.
    return provider === 'azure'
      ? new sdk.AzureOpenAI({
          ...settings,
          baseURL: null,
          endpoint: new URL(baseUrl).origin,
          apiVersion,
          deployment: model,
        })
      : new sdk.default({ ...settings, baseURL: baseUrl })
  }
}

const byStatus: Readonly<Record<number, FailureKind>> = {
  401: 'auth',
  403: 'auth',
  404: 'failed',
  408: 'overloaded',
  409: 'overloaded',
  429: 'rate_limited',
}

/** An error of the SDK by its status, else a fault of the connection. By shape: the class is not loaded here. */
function toFailure(error: unknown): ModelFailure {
  const { status, headers, cause } = Object(error) as Readonly<Record<string, unknown>>
  const ours = [error, cause].find((one) => one instanceof ModelFailure)
  if (ours !== undefined) return ours
  if (typeof status !== 'number') return new ModelFailure('connect')
  const retryAfterMs = headers instanceof Headers ? retryAfter(headers) : undefined
  return new ModelFailure(kindOf(status, error), { status, retryAfterMs })
}

function kindOf(status: number, error: unknown): FailureKind {
  const coded = kindOfError(error)
  if (coded !== 'failed') return coded
  if (status >= 500) return 'overloaded'
  return byStatus[status] ?? 'bad_request'
}

function retryAfter(headers: Headers): number | undefined {
  const ms = Number(headers.get('retry-after-ms') ?? Number.NaN)
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const after = Number.isFinite(ms) ? ms : seconds * 1_000
  return Number.isFinite(after) && after >= 0 ? after : undefined
}
