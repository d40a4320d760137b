import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { ChatUsage } from './contract.ts'
import { tokensOfQuestion } from './estimate.ts'
import { ModelFailure } from './failure.ts'
import type { FailureKind } from './failure.ts'
import { answerTo } from './fake-answers.ts'
import type { Completion, Delta, Finish, Model, Question } from './model.ts'

/** What goes wrong, and before which token. */
export interface FakeFault {
  readonly at: number
  readonly kind: FailureKind | 'stall'
}

export interface FakeOptions {
  readonly delayMs: number
  readonly seed?: number
  /** Faults of the next calls, in order; a call without one succeeds. */
  readonly script?: readonly (FakeFault | undefined)[]
}

/** A model without a network: the same question gets the same answer, word by word, and it can fail on order. */
export class FakeModel implements Model {
  readonly provider = 'fake'
  readonly #options: FakeOptions
  #calls = 0

  constructor(options: FakeOptions) {
    this.#options = options
  }

  async *stream(question: Question, signal: AbortSignal): AsyncGenerator<readonly Delta[]> {
    const fault = this.#options.script?.[this.#calls++]
    const answer = answerOf(question, this.#options.seed ?? 0)
    const chunks = new FakeChunks(question, answer)
    for (const [index, token] of answer.tokens.entries()) {
      if (fault?.at === index) await fail(fault.kind, signal)
      await this.#pause(signal)
      yield [chunks.token(token)]
    }
    if (fault !== undefined && fault.at >= answer.tokens.length) await fail(fault.kind, signal)
    yield [chunks.finish(), chunks.usage()]
  }

  async complete(question: Question, signal: AbortSignal): Promise<Completion> {
    const fault = this.#options.script?.[this.#calls++]
    await this.#pause(signal)
    if (fault !== undefined) await fail(fault.kind, signal)
    return new FakeChunks(question, answerOf(question, this.#options.seed ?? 0)).completion()
  }

  async close(): Promise<void> {}

  async #pause(signal: AbortSignal): Promise<void> {
    const { delayMs } = this.#options
    if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) throw new ModelFailure('aborted')
  }
}

interface Answer {
  readonly id: string
  readonly tokens: readonly string[]
  readonly finish: Finish
  readonly tool: string | undefined
}

/** A tool is called when the question demands one; else there is text, cut at the output limit. */
function answerOf(question: Question, seed: number): Answer {
  const digest = createHash('sha256').update(JSON.stringify(question.body)).digest()
  const id = `chatcmpl-${digest.toString('hex', 0, 12)}`
  const tool = demandedTool(question.body)
  if (tool !== undefined) return { id, tokens: ['{}'], finish: 'tool_calls', tool }
  const text = answerTo(lastQuestion(question.body), digest.readUInt32BE(0) + seed)
  const all = text.match(/\s*\S+\s*$|\s*\S+/g) ?? []
  const tokens = all.slice(0, question.maxOutputTokens)
  return { id, tokens, finish: tokens.length < all.length ? 'length' : 'stop', tool }
}

function demandedTool({ tools, tool_choice: choice }: Question['body']): string | undefined {
  if (choice === undefined || choice === 'auto' || choice === 'none') return undefined
  const named = (Object(choice) as { function?: { name?: unknown } }).function?.name
  const [first] = Array.isArray(tools) ? (tools as { function?: { name?: unknown } }[]) : []
  const name = named ?? first?.function?.name
  return typeof name === 'string' ? name : undefined
}

function lastQuestion({ messages }: Question['body']): string {
  const last = (Array.isArray(messages) ? (messages as unknown[]) : []).at(-1)
  const { content } = Object(last) as { content?: unknown }
  return typeof content === 'string' ? content : JSON.stringify(content ?? '')
}

/** Words the answer as OpenAI's protocol does. */
class FakeChunks {
  readonly #answer: Answer
  readonly #counted: ChatUsage
  #isFirst = true

  constructor(question: Question, answer: Answer) {
    this.#answer = answer
    this.#counted = {
      inputTokens: tokensOfQuestion(question.body),
      outputTokens: answer.tokens.length,
      estimated: false,
    }
  }

  token(text: string): Delta {
    const { tool, id } = this.#answer
    const role = this.#isFirst ? { role: 'assistant' } : {}
    this.#isFirst = false
    if (tool === undefined) return this.#delta({ ...role, content: text }, { text })
    const call = { index: 0, id: `call_${id.slice(9)}`, name: tool, argsDelta: text }
    return this.#delta({ ...role, tool_calls: [this.#call(text)] }, { toolCalls: [call] })
  }

  finish(): Delta {
    const { finish } = this.#answer
    return this.#delta({}, { finish })
  }

  usage(): Delta {
    const json = JSON.stringify({ ...this.#head(), choices: [], usage: this.#wireUsage() })
    return { ...nothing, json, usage: this.#counted, onlyUsage: true }
  }

  completion(): Completion {
    const { tokens, finish, tool } = this.#answer
    const text = tool === undefined ? tokens.join('') : ''
    const message =
      tool === undefined
        ? { role: 'assistant', content: text }
        : { role: 'assistant', content: null, tool_calls: [this.#call('{}')] }
    const json = {
      ...this.#head(),
      object: 'chat.completion',
      choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
      usage: this.#wireUsage(),
    }
    return { json, text, finish, usage: this.#counted }
  }

  #call(argsDelta: string) {
    const { id, tool } = this.#answer
    const called = { name: tool, arguments: argsDelta }
    return { index: 0, id: `call_${id.slice(9)}`, type: 'function', function: called }
  }

  #delta(delta: object, read: Partial<Delta>): Delta {
    const choices = [{ index: 0, delta, finish_reason: read.finish ?? null }]
    return { ...nothing, ...read, json: JSON.stringify({ ...this.#head(), choices }) }
  }

  #head() {
    // A fixed time: the answer is the same today and tomorrow.
    return {
      id: this.#answer.id,
      object: 'chat.completion.chunk',
      created: 1_767_225_600,
      model: 'fake',
    }
  }

  #wireUsage() {
    const { inputTokens, outputTokens } = this.#counted
    return {
      prompt_tokens: inputTokens,
      completion_tokens: outputTokens,
      total_tokens: inputTokens + outputTokens,
    }
  }
}

const nothing: Omit<Delta, 'json'> = {
  text: '',
  thought: '',
  toolCalls: [],
  finish: undefined,
  usage: undefined,
  onlyUsage: false,
}

async function fail(kind: FakeFault['kind'], signal: AbortSignal): Promise<never> {
  if (kind !== 'stall') throw new ModelFailure(kind)
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  throw new ModelFailure('aborted')
}
