import type { Clock, EventBus } from 'autodocops'
import type Stripe from 'stripe'
import type * as z from 'zod'

import { Breaker } from './breaker.ts'
import { BillingEvents } from './contract.ts'
import { E, retryAfter } from './errors.ts'
import { headerOf, record } from './json.ts'
import { ReadBudget } from './read-budget.ts'

export interface StripeTarget {
  readonly apiKey: string
  /** `undefined`: Stripe itself. */
  readonly base: URL | undefined
}

interface Needs {
  readonly target: () => StripeTarget
  readonly readsPerSecond: number
  readonly clock: Clock
  readonly events: EventBus
}

export interface Call<T> {
  /** `subscriptions.retrieve`: the SDK's own name, and the label of the metric. */
  readonly operation: string
  readonly deadlineMs: number
  readonly isRead: boolean
  readonly answer: z.ZodType<T>
  readonly ask: (stripe: Stripe, options: { readonly timeout: number }) => Promise<unknown>
}

/** The one line to Stripe of this process: lazily opened, with deadlines, a budget and a breaker. */
export class StripeLine {
  readonly #needs: Needs
  readonly #breaker: Breaker
  readonly #budget: ReadBudget
  #stripe: Promise<Stripe> | undefined

  constructor(needs: Needs) {
    this.#needs = needs
    this.#breaker = new Breaker(needs.clock)
    this.#budget = new ReadBudget(needs.readsPerSecond, needs.clock)
  }

  async call<T>(call: Call<T>): Promise<T> {
    const { operation } = call
    if (this.#breaker.waitMs > 0) {
      throw E.stripe_unavailable({ operation }, retryAfter(this.#breaker.waitMs))
    }
    if (call.isRead) await this.#budget.take()
    const startedAt = this.#needs.clock.monotonic()
    const tell = (outcome: 'ok' | 'error' | 'timeout') =>
      this.#needs.events.emit(BillingEvents, 'billing:stripe-called', {
        operation,
        outcome,
        durationMs: this.#needs.clock.monotonic() - startedAt,
      })
    try {
      const answer = await this.#within(call)
      tell('ok')
      this.#breaker.succeeded()
      return answer
    } catch (error) {
      tell(error instanceof TooLate ? 'timeout' : 'error')
      throw this.#problem(operation, error)
    }
  }

  async #within<T>({ ask, deadlineMs, answer }: Call<T>): Promise<T> {
    const stripe = await (this.#stripe ??= this.#open())
    const given = await inTime(ask(stripe, { timeout: deadlineMs }), deadlineMs)
    const checked = answer.safeParse(given)
    if (!checked.success) throw new NotStripes(checked.error)
    return checked.data
  }

  /** The SDK is loaded on the first call: a server that never bills never pays for it. */
  async #open(): Promise<Stripe> {
    const { default: Sdk } = await import('stripe')
    const { apiKey, base } = this.#needs.target()
    const elsewhere = base && {
      host: base.hostname,
      port: base.port || (base.protocol === 'https:' ? '443' : '80'),
      protocol: base.protocol === 'https:' ? ('https' as const) : ('http' as const),
    }
    return new Sdk(apiKey, {
      telemetry: false,
      maxNetworkRetries: 0,
      appInfo: { name: 'AutoDocOps' },
      ...elsewhere,
    })
  }

  /** Theirs never come out: only ours decide what a client sees and whether the worker tries again. */
  #problem(operation: string, cause: unknown): Error {
    const { statusCode, code, headers } = facts(cause)
    if (cause instanceof NotStripes) {
      this.#breaker.failed()
      return E.stripe_invalid_response({ operation }, { cause })
    }
    if (statusCode === 404 || code === 'resource_missing')
      return E.stripe_missing({ operation }, { cause })
    if (statusCode === 429)
      this.#breaker.rest(1_000 * (Number(headerOf(headers, 'retry-after')) || 1))
    else if (statusCode === undefined || statusCode >= 500) this.#breaker.failed()
    else return E.stripe_refused({ operation, code: code ?? String(statusCode) }, { cause })
    return E.stripe_unavailable({ operation }, { ...retryAfter(5_000), cause })
  }
}

class TooLate extends Error {}
class NotStripes extends Error {
  constructor(cause: unknown) {
    super('the answer has another shape', { cause })
  }
}

/** The SDK's own time-out is for each attempt, and not for the body. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooLate(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function facts(error: unknown) {
  const { statusCode, code, headers } = record(error)
  return {
    statusCode: typeof statusCode === 'number' ? statusCode : undefined,
    code: typeof code === 'string' ? code : undefined,
    headers,
  }
}
