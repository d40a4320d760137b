import type { Clock, EventBus, Logger, Random } from 'autodocops'

import type { Account, Accounts } from './accounts.ts'
import type { ChatConfig } from './config.ts'
import { ChatEvents } from './contract.ts'
import type { Provider } from './contract.ts'
import { ChatErrors } from './errors.ts'
import { Calibration, tokensOfQuestion } from './estimate.ts'
import { asFailure, ModelFailure } from './failure.ts'
import { Gateway } from './gateway.ts'
import type { NamedModel } from './gateway.ts'
import { finished, Generation } from './generation.ts'
import type { Completion, Question } from './model.ts'
import type { Models } from './models.ts'
import type { Streams } from './streams.ts'

const renewMs = 10_000

/** A question of a user, in OpenAI's words. */
export interface Asked {
  readonly owner: string
  readonly model: string | undefined
  readonly body: Readonly<Record<string, unknown>>
  readonly maxOutputTokens: number | undefined
  readonly choices?: number
  readonly keepsText?: boolean
  /** Told once at the end, with what there is. */
  readonly ended?: (generation: Generation) => Promise<void> | void
}

export interface Completed {
  readonly id: string
  readonly model: string
  readonly headers: Readonly<Record<string, string>>
  readonly completion: Completion
}

export interface ChatServices {
  readonly config: ChatConfig
  readonly models: Models
  readonly accounts: Accounts
  readonly streams: Streams
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly log: Logger
}

/** Questions in, accounted answers out. */
export class ChatService {
  readonly #services: ChatServices
  readonly #gateway: Gateway
  readonly #calibration = new Calibration()
  readonly #running = new Set<Generation>()
  readonly #completing = new Set<{ readonly id: string; readonly owner: string }>()
  #renewal: NodeJS.Timeout | undefined

  constructor(services: ChatServices) {
    this.#services = services
    const { firstToken, idle, total } = services.config.timeouts
    const deadlines = { firstTokenMs: firstToken, idleMs: idle, totalMs: total }
    this.#gateway = new Gateway(services, deadlines)
  }

  /** Admitted, and not yet asked: `open()` or the first `next()` asks. Throws 400, 403, 404, 429, 503. */
  async ask(asked: Asked, signal: AbortSignal): Promise<Generation> {
    const { named, question, account, inputTokens } = await this.#admit(asked, signal)
    const { clock, events, config } = this.#services
    const generation = new Generation({
      account,
      named,
      question,
      inputTokens,
      keptBytes: asked.keepsText === true ? config.limits.answerBytes : undefined,
      gateway: this.#gateway,
      calibration: this.#calibration,
      clock,
      events,
      ended: (self) => {
        this.#running.delete(self)
        return asked.ended?.(self)
      },
    })
    this.#running.add(generation)
    events.emit(ChatEvents, 'llm-chat:stream-started', { provider: generation.provider })
    return follow(generation, signal)
  }

  /** The model's own JSON, not streamed. */
  async complete(asked: Asked, signal: AbortSignal): Promise<Completed> {
    const { named, question, account } = await this.#admit(asked, signal)
    const { clock, events } = this.#services
    const begunAt = clock.monotonic()
    const close = async (provider: Provider, outcome: Outcome, usage: Completion['usage']) => {
      // Before its slot is given back: a renewal would take it again.
      this.#completing.delete(account)
      const durationMs = clock.monotonic() - begunAt
      const spent = usage ?? nothing
      finished(events, {
        provider,
        named,
        outcome,
        durationMs,
        usage: spent,
        firstTokenMs: undefined,
      })
      await account.close({ provider, outcome, usage: spent, durationMs })
    }
    this.#completing.add(account)
    try {
      const { model, completion } = await this.#gateway.complete(named, question, signal)
      const usage = completion.usage ?? this.#estimate(named, question, completion.text)
      await close(model.provider, 'ok', usage)
      return { id: account.id, model: named.name, headers: account.headers, completion }
    } catch (error) {
      const failure = asFailure(error)
      const { outcome } = failure.rule
      const isCharged = outcome === 'aborted' || outcome === 'timeout'
      const usage = isCharged ? this.#estimate(named, question, '') : nothing
      await close(providerOf(named), outcome, usage)
      throw failure.toProblem()
    }
  }

  /** Running streams by who answers them. */
  inFlight(): ReadonlyMap<Provider, number> {
    const counts = new Map<Provider, number>()
    for (const { provider } of this.#running) counts.set(provider, (counts.get(provider) ?? 0) + 1)
    return counts
  }

  runningOf(owner: string): number {
    return [...this.#running].filter((generation) => generation.owner === owner).length
  }

  /** Stops a stream of the owner, on whichever instance it is written. False: there is none. */
  async cancel(id: string, owner: string): Promise<boolean> {
    const { accounts, streams } = this.#services
    const here = this.#find(id)
    if (here?.owner === owner) {
      here.cancel()
      return true
    }
    if (await streams.stop(id, owner)) return true
    return (await accounts.isRunning(id, owner)) && (await streams.tell(id))
  }

  /** Until the stop, not the swap: what still runs goes on being renewed. */
  activate(): void {
    const { streams, log } = this.#services
    streams.onTold((id) => this.#find(id)?.cancel())
    this.#renewal = setInterval(() => {
      this.renew().catch((error: unknown) =>
        log.warn({ err: error }, 'running answers were not renewed'),
      )
    }, renewMs)
    this.#renewal.unref()
  }

  /** Signs of life for what runs here; what others lost is closed, and stored as far as it came. */
  async renew(): Promise<void> {
    const { accounts, streams } = this.#services
    const whole = [...this.#completing].map(({ id, owner }) => ({ id, owner, outputTokens: 0 }))
    const lost = await accounts.renew([...[...this.#running].map(lifeSign), ...whole])
    for (const id of lost) await streams.salvage(id)
  }

  /** Ends what still runs, and waits for its rows. */
  async stop(): Promise<void> {
    clearInterval(this.#renewal)
    for (const generation of this.#running) generation.cancel('shutdown')
    await this.#services.accounts.flush()
  }

  #find(id: string): Generation | undefined {
    return [...this.#running].find((generation) => generation.id === id)
  }

  async #admit({ owner, model, body, ...asked }: Asked, signal: AbortSignal) {
    const { models, accounts, random, config } = this.#services
    const named = models.find(model)
    if (this.#running.size + this.#completing.size >= config.limits.streams)
      throw ChatErrors.too_many_streams({ headers: { 'Retry-After': '1' } })
    const inputTokens = tokensOfQuestion(body)
    if (inputTokens > named.maxInputTokens)
      throw ChatErrors.context_length_exceeded({ tokens: inputTokens, limit: named.maxInputTokens })
    const choices = asked.choices ?? 1
    const most = named.maxOutputTokens
    const maxOutputTokens = Math.min(asked.maxOutputTokens ?? most, most)
    const id = `strm_${random.uuid()}`
    const account = await accounts.open({
      id,
      owner,
      model: named,
      inputTokens,
      maxOutputTokens: maxOutputTokens * choices,
    })
    if (signal.aborted) await giveBack(account, named)
    const question: Question = { body, maxOutputTokens, choices }
    return { named, question, account, inputTokens }
  }

  #estimate(named: NamedModel, question: Question, text: string) {
    const outputTokens = this.#calibration.tokens(named.name, Buffer.byteLength(text))
    return { inputTokens: tokensOfQuestion(question.body), outputTokens, estimated: true }
  }
}

type Outcome = 'ok' | ModelFailure['rule']['outcome']

const nothing = { inputTokens: 0, outputTokens: 0, estimated: true }

const providerOf = (named: NamedModel): Provider => named.targets[0]?.model.provider ?? 'fake'

const lifeSign = ({ id, owner, usage }: Generation) => ({
  id,
  owner,
  outputTokens: usage.outputTokens,
})

/** The client left while it was let in. */
async function giveBack(account: Account, named: NamedModel): Promise<never> {
  const provider = providerOf(named)
  await account.close({ provider, outcome: 'aborted', usage: nothing, durationMs: 0 })
  throw new ModelFailure('aborted').toProblem()
}

/** Cancelled with the signal: at once, whether somebody is reading it or not. */
function follow(generation: Generation, signal: AbortSignal): Generation {
  signal.addEventListener('abort', () => generation.cancel(), { once: true })
  return generation
}
