import { isProblem } from 'autodocops'
import type { Clock, EventBus } from 'autodocops'

import type { Account } from './accounts.ts'
import type { ChatUsage, Provider } from './contract.ts'
import { ChatEvents } from './contract.ts'
import type { Calibration } from './estimate.ts'
import { asFailure, ModelFailure } from './failure.ts'
import type { FailureKind } from './failure.ts'
import type { Gateway, NamedModel, Opened } from './gateway.ts'
import type { Delta, Finish, Question } from './model.ts'
import { Source } from './source.ts'
import type { Taker } from './source.ts'

type Outcome = ModelFailure['rule']['outcome'] | 'ok'

const nothingUsed: ChatUsage = { inputTokens: 0, outputTokens: 0, estimated: true }

export interface GenerationParts {
  readonly account: Account
  readonly named: NamedModel
  readonly question: Question
  readonly inputTokens: number
  /** Somebody needs the whole text at the end, and it may have so many bytes. */
  readonly keptBytes: number | undefined
  readonly gateway: Gateway
  readonly calibration: Calibration
  readonly clock: Clock
  readonly events: EventBus
  /** Told once, before the last batch is delivered. */
  readonly ended: (generation: Generation) => Promise<void> | void
}

/**
 * One streamed answer, from the question to its row in the ledger. asked → opened (the first token is here) →
 * ended, once, in one of the ways of an outcome. It ends normally only after the model's own end and after the
 * ledger has it; every other end throws a problem. `cancel()` works in every state, at once.
 */
export class Generation extends Source<readonly Delta[]> {
  readonly #parts: GenerationParts
  readonly #abort = new AbortController()
  readonly #begunAt: number
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  #isFirstOut = false
  #firstTokenAt: number | undefined
  #outputBytes = 0
  readonly #texts: string[] = []
  #usage: ChatUsage | undefined
  #finish: Finish | undefined
  #ending: Promise<void> | undefined
  #failure: ModelFailure | undefined
  #taker: Taker<readonly Delta[]> = () => undefined

  constructor(parts: GenerationParts) {
    super()
    this.#parts = parts
    this.#begunAt = parts.clock.monotonic()
  }

  get id(): string {
    return this.#parts.account.id
  }

  get owner(): string {
    return this.#parts.account.owner
  }

  get model(): string {
    return this.#parts.named.name
  }

  get provider(): Provider {
    return this.#opened?.model.provider ?? this.#parts.named.targets[0]?.model.provider ?? 'fake'
  }

  get headers(): Readonly<Record<string, string>> {
    return this.#parts.account.headers
  }

  get text(): string {
    return this.#texts.join('')
  }

  /** Why it did not end well. */
  get failure(): ModelFailure | undefined {
    return this.#failure
  }

  get finish(): Finish | undefined {
    return this.#finish
  }

  /** As the model counted, else by length. */
  get usage(): ChatUsage {
    const { inputTokens, named, calibration } = this.#parts
    const outputTokens = calibration.tokens(named.name, this.#outputBytes)
    return this.#usage ?? { inputTokens, outputTokens, estimated: true }
  }

  get isEnded(): boolean {
    return this.#ending !== undefined
  }

  /** Resolves with the first token; rejects with a problem. */
  async open(): Promise<void> {
    const { gateway, named, question } = this.#parts
    this.#opening ??= gateway.open(named, question, this.#abort.signal)
    try {
      this.#opened = await this.#opening
    } catch (error) {
      throw await this.#fail(asFailure(error))
    }
  }

  pull(taker: Taker<readonly Delta[]>): void {
    this.#taker = taker
    if (!this.#isFirstOut || this.#opened === undefined) void this.#first()
    else this.#opened.stream.pull(this.#received)
  }

  /** Its reader has left. */
  stop(): void {
    this.cancel()
  }

  /** Cuts the model off now and books what there is. */
  cancel(kind: FailureKind = 'aborted'): void {
    if (this.isEnded) return
    const failure = new ModelFailure(kind)
    this.#abort.abort(failure)
    this.#opened?.stream.stop()
    void this.#fail(failure)
  }

  readonly #received: Taker<readonly Delta[]> = (failure, batch) => {
    if (batch === undefined) return void this.#conclude(failure)
    if (this.#seen(batch)) return this.#taker(undefined, batch)
    this.cancel('too_large')
    void this.#conclude(this.#failure)
  }

  /** Never rejects. */
  async #conclude(failure: Error | undefined): Promise<void> {
    let problem: Error | undefined
    try {
      if (failure === undefined) await this.#end('ok', undefined)
      else problem = await this.#fail(asFailure(failure))
    } catch (error) {
      // The ledger or the history did not take it: their own problem.
      problem = isProblem(error) ? error : await this.#fail(asFailure(error))
    }
    this.#taker(problem, undefined)
  }

  async #first(): Promise<void> {
    try {
      await this.open()
    } catch (error) {
      return this.#taker(error as Error, undefined)
    }
    this.#isFirstOut = true
    this.#firstTokenAt = this.#parts.clock.monotonic()
    const durationMs = this.#firstTokenAt - this.#begunAt
    const { provider, model } = this
    const seen = { provider, model, durationMs }
    this.#parts.events.emit(ChatEvents, 'llm-chat:first-token-received', seen)
    this.#opened?.stream.pull(this.#received)
  }

  /** False: it is more than may be kept. */
  #seen(deltas: readonly Delta[]): boolean {
    for (const { text, thought, toolCalls, finish, usage } of deltas) {
      this.#outputBytes += Buffer.byteLength(text) + Buffer.byteLength(thought)
      for (const call of toolCalls) this.#outputBytes += call.argsDelta.length
      this.#finish = finish ?? this.#finish
      this.#usage = usage ?? this.#usage
    }
    const { keptBytes } = this.#parts
    if (keptBytes === undefined) return true
    if (this.#outputBytes > keptBytes) return false
    this.#keep(deltas)
    return true
  }

  #keep(deltas: readonly Delta[]): void {
    for (const { text } of deltas) this.#texts.push(text)
    // Each piece costs more than its few letters.
    if (this.#texts.length > 1_000) this.#texts.splice(0, this.#texts.length, this.text)
  }

  async #fail(failure: ModelFailure): Promise<Error> {
    // Whoever could not book it has logged that; the failure says more.
    await this.#end(failure.rule.outcome, failure).catch(() => undefined)
    return failure.toProblem()
  }

  #end(outcome: Outcome, failure: ModelFailure | undefined): Promise<void> {
    this.#ending ??= this.#book(outcome, failure)
    return this.#ending
  }

  async #book(outcome: Outcome, failure: ModelFailure | undefined): Promise<void> {
    const { account, named, calibration, clock, ended } = this.#parts
    const { provider } = this
    const usage = this.#wasRefused(outcome) ? nothingUsed : this.usage
    this.#failure = failure
    this.#opened?.ended(failure)
    if (!usage.estimated) calibration.observe(named.name, this.#outputBytes, usage.outputTokens)
    const durationMs = clock.monotonic() - this.#begunAt
    this.#tell(outcome, durationMs, usage)
    await Promise.all([account.close({ provider, outcome, usage, durationMs }), ended(this)])
  }

  /** The model did no work: nothing is charged. */
  #wasRefused(outcome: Outcome): boolean {
    return this.#opened === undefined && outcome !== 'aborted' && outcome !== 'timeout'
  }

  #tell(outcome: Outcome, durationMs: number, usage: ChatUsage): void {
    const since = this.#firstTokenAt === undefined ? undefined : this.#firstTokenAt - this.#begunAt
    finished(this.#parts.events, {
      provider: this.provider,
      named: this.#parts.named,
      outcome,
      durationMs,
      usage,
      firstTokenMs: since,
    })
  }
}

/** What every answer, streamed or not, tells at its end. */
export function finished(
  events: EventBus,
  answer: {
    readonly provider: Provider
    readonly named: NamedModel
    readonly outcome: Outcome
    readonly durationMs: number
    readonly usage: ChatUsage
    readonly firstTokenMs: number | undefined
  },
): void {
  const { provider, named, outcome, durationMs, usage, firstTokenMs } = answer
  const { inputTokens, outputTokens } = usage
  const { price, name: model } = named
  const costUsd = (inputTokens * price.input + outputTokens * price.output) / 1_000_000
  const perTokenMs =
    firstTokenMs === undefined || outputTokens < 2
      ? undefined
      : (durationMs - firstTokenMs) / (outputTokens - 1)
  const summary = { provider, model, outcome, durationMs, perTokenMs, usage, costUsd }
  events.emit(ChatEvents, 'llm-chat:request-finished', summary)
  const tokens = { input: inputTokens, output: outputTokens }
  for (const direction of ['input', 'output'] as const) {
    const used = { provider, model, direction, tokens: tokens[direction] }
    events.emit(ChatEvents, 'llm-chat:tokens-used', used)
  }
}
