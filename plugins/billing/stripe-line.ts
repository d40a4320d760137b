import { AsyncLocalStorage } from 'node:async_hooks'

import type { Clock, EventBus } from 'autodocops'
import type Stripe from 'stripe'
import type * as z from 'zod'

import { Breaker } from './breaker.ts'
import { BillingEvents } from './contract.ts'
import { E, retryAfter } from './errors.ts'
import { record } from './json.ts'
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
  /** Ends the call before its deadline. */
  readonly signal: AbortSignal | undefined
  readonly isRead: boolean
  readonly answer: z.ZodType<T>
  readonly ask: (stripe: Stripe) => Promise<unknown>
}

/** The one line to Stripe of this process: lazily opened, with deadlines, a budget and a breaker. */
export class StripeLine {
  readonly #needs: Needs
  readonly #breaker: Breaker
  readonly #budget: ReadBudget
  /** The SDK knows no signal: what ends a call reaches its `fetch` this way. */
  readonly #end = new AsyncLocalStorage<AbortSignal>()
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
    if (call.isRead) {
      await this.#budget.take(call.signal).catch((cause: unknown) => {
        throw E.stripe_unavailable({ operation }, { cause })
      })
    }
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

  async #within<T>({ ask, deadlineMs, signal, answer }: Call<T>): Promise<T> {
    const stripe = await (this.#stripe ??= this.#open())
    const given = await inTime(deadlineMs, signal, (end) => this.#end.run(end, () => ask(stripe)))
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
      // Its own time-out is left aside: ours is for the whole call, and ends it.
      httpClient: Sdk.createFetchHttpClient((url, init) => {
        const signal = this.#end.getStore() ?? null
        return fetch(url, { ...init, headers: ownOf(init?.headers), signal }).catch(inWordsOfSdk)
      }),
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
    if (statusCode === 429) this.#breaker.rest(1_000 * (Number(headers['retry-after']) || 1))
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

const cut = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']

/** `fetch` counts the body itself: a length given twice is refused, or not, by the undici that is loaded first. */
function ownOf(headers: RequestInit['headers']): Headers {
  const own = new Headers(headers)
  own.delete('content-length')
  return own
}

/** After a connection that was cut it asks once more, when it is told so: an idle one may have been closed just then. */
function inWordsOfSdk(error: Error): never {
  const { code } = record(error.cause)
  throw cut.includes(String(code)) ? Object.assign(error, { code: 'ECONNRESET' }) : error
}

/** What is late, or not waited for any longer, is ended: no connection stays open for it. */
async function inTime<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (end: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const end = new AbortController()
  const stop = () => end.abort(new TooLate())
  const timer = setTimeout(stop, ms)
  signal?.addEventListener('abort', stop)
  const over = new Promise<never>((_, reject) => {
    end.signal.addEventListener('abort', () => reject(end.signal.reason as Error))
  })
  try {
    return await Promise.race([work(end.signal), over])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}

function facts(error: unknown) {
  const { statusCode, code, headers } = record(error)
  return {
    statusCode: typeof statusCode === 'number' ? statusCode : undefined,
    code: typeof code === 'string' ? code : undefined,
    headers: record(headers),
  }
}
