import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock, EventBus, Random } from 'autodocops'

import type { Breaker } from './breaker.ts'
import { ChatEvents } from './contract.ts'
import { asFailure, ModelFailure } from './failure.ts'
import { Guard, GuardedStream, isToken } from './guard.ts'
import type { Deadlines } from './guard.ts'
import type { Completion, Delta, Model, Question } from './model.ts'

const maxTries = 3
const budgetMs = 20_000
const longestRetryAfterMs = 5_000

/** A model at a place, and how it has been doing. */
export interface Target {
  readonly model: Model
  readonly breaker: Breaker
}

/** A model as clients know it. */
export interface NamedModel {
  readonly name: string
  readonly targets: readonly Target[]
  readonly maxInputTokens: number
  readonly maxOutputTokens: number
  readonly price: { readonly input: number; readonly output: number }
  readonly plans?: readonly string[] | undefined
}

/** A stream whose first token is here. */
export interface Opened {
  readonly model: Model
  readonly stream: GuardedStream
  /** Tells how the rest went. */
  readonly ended: (failure: ModelFailure | undefined) => void
}

export interface GatewayServices {
  readonly events: EventBus
  readonly clock: Clock
  readonly random: Random
}

/**
 * Asks a named model's targets in turn until one begins to answer. Only before the first token: after it,
 * a second answer would be glued to half of the first. The second round waits (full jitter, or what the
 * model asked for up to 5 s) and leaves out those that cannot do better.
 */
export class Gateway {
  readonly #services: GatewayServices
  readonly #deadlines: Deadlines

  constructor(services: GatewayServices, deadlines: Deadlines) {
    this.#services = services
    this.#deadlines = deadlines
  }

  open(named: NamedModel, question: Question, signal: AbortSignal): Promise<Opened> {
    return this.#firstOf(named, signal, async ({ model, breaker }) => {
      const stream = new GuardedStream(
        (own) => model.stream(question, own),
        signal,
        this.#deadlines,
      )
      await untilToken(stream)
      const ended = (failure: ModelFailure | undefined) => tell(breaker, failure)
      return { model, stream, ended }
    })
  }

  async complete(
    named: NamedModel,
    question: Question,
    signal: AbortSignal,
  ): Promise<{ readonly model: Model; readonly completion: Completion }> {
    return this.#firstOf(named, signal, async ({ model, breaker }) => {
      const guard = new Guard(signal, this.#deadlines.totalMs)
      try {
        const completion = await model.complete(question, guard.signal)
        guard.throwIfFailed()
        breaker.succeeded()
        return { model, completion }
      } catch (error) {
        throw guard.explain(error)
      } finally {
        guard.close()
      }
    })
  }

  async #firstOf<T>(
    named: NamedModel,
    signal: AbortSignal,
    ask: (target: Target) => Promise<T>,
  ): Promise<T> {
    const until = this.#services.clock.monotonic() + budgetMs
    let tries = 0
    let last: ModelFailure | undefined
    const failure = () =>
      last ?? new ModelFailure('circuit_open', { retryAfterMs: shortestWait(named.targets) })
    let round = named.targets
    for (let pauseMs = 0; round.length > 0; pauseMs = this.#pause(last)) {
      if (pauseMs > longestRetryAfterMs) break
      if (this.#services.clock.monotonic() + pauseMs > until) break
      if (pauseMs > 0) await pause(pauseMs, signal)
      const again: Target[] = []
      for (const target of round) {
        if (tries >= maxTries) throw failure()
        if (!target.breaker.enter()) continue
        if (last !== undefined) this.#retried(target.model, last)
        tries += 1
        try {
          return await ask(target)
        } catch (error) {
          last = asFailure(error)
          tell(target.breaker, last)
          if (last.rule.retry === 'never') throw last
          if (last.rule.retry === 'same') again.push(target)
        }
      }
      round = again
    }
    throw failure()
  }

  #pause(last: ModelFailure | undefined): number {
    return last?.retryAfterMs ?? 250 + this.#services.random.float() * 1_750
  }

  #retried({ provider }: Model, last: ModelFailure): void {
    const { outcome } = last.rule
    const reason = outcome === 'rate_limited' ? '429' : outcome === 'timeout' ? 'timeout' : '5xx'
    this.#services.events.emit(ChatEvents, 'llm-chat:request-retried', { provider, reason })
  }
}

const shortestWait = (targets: readonly Target[]): number =>
  Math.min(...targets.map(({ breaker }) => breaker.retryAfterMs))

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw new ModelFailure('aborted')
  })
}

/** Waits for the first token, so that a failure before it can still be another target's success. */
async function untilToken(stream: GuardedStream): Promise<void> {
  const first: Delta[] = []
  for (;;) {
    const { done, value } = await stream.next()
    if (done === true) throw new ModelFailure('disconnected')
    first.push(...value)
    if (value.some(isToken)) return stream.putBack(first)
  }
}

function tell(breaker: Breaker, failure: ModelFailure | undefined): void {
  if (failure === undefined) breaker.succeeded()
  else if (failure.rule.counts) breaker.failed()
  else breaker.left()
}
