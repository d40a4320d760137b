import { asFailure, ModelFailure } from './failure.ts'
import type { FailureKind } from './failure.ts'
import type { Delta } from './model.ts'
import { Silence } from './silence.ts'
import { Source, sourceOf } from './source.ts'
import type { Taker } from './source.ts'

export interface Deadlines {
  readonly firstTokenMs: number
  readonly idleMs: number
  readonly totalMs: number
}

/** Ends one call when its caller does, or when its time is up; says which of them it was. */
export class Guard {
  readonly #abort = new AbortController()
  readonly #caller: AbortSignal
  readonly #total: NodeJS.Timeout
  #silence: Silence | undefined
  #watching: FailureKind | undefined
  #failure: ModelFailure | undefined
  readonly #onAbort = () => this.fail(kindOfAbort(this.#caller.reason))

  constructor(caller: AbortSignal, totalMs: number) {
    this.#caller = caller
    this.#total = setTimeout(() => this.fail('total_timeout'), totalMs)
    caller.addEventListener('abort', this.#onAbort, { once: true })
    if (caller.aborted) this.#onAbort()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** From now on a silence of `ms` is a failure. */
  watch(kind: FailureKind, ms: number): void {
    this.#watching = kind
    if (this.#silence?.ms !== ms) {
      this.#silence?.clear()
      this.#silence = new Silence(ms, () => {
        if (this.#watching !== undefined) this.fail(this.#watching)
      })
    }
    this.#silence.touch()
  }

  rest(): void {
    this.#watching = undefined
  }

  fail(kind: FailureKind): void {
    this.#failure ??= new ModelFailure(kind)
    this.#abort.abort(this.#failure)
  }

  /** Our own reason beats whatever the abort looked like from inside the adapter. */
  explain(error: unknown): ModelFailure {
    return this.#failure ?? asFailure(error)
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  close(): void {
    clearTimeout(this.#total)
    this.#silence?.clear()
    this.#caller.removeEventListener('abort', this.#onAbort)
  }
}

const kindOfAbort = (reason: unknown): FailureKind =>
  reason instanceof ModelFailure ? reason.kind : 'aborted'

/**
 * A model's stream under its deadlines. Silence counts only while somebody waits for the model, not while a
 * slow reader is served.
 */
export class GuardedStream extends Source<readonly Delta[]> {
  readonly #guard: Guard
  readonly #deadlines: Deadlines
  readonly #inner: Source<readonly Delta[]>
  #taker: Taker<readonly Delta[]> = () => undefined
  #hasBegun = false
  #back: readonly Delta[] | undefined

  constructor(
    open: (signal: AbortSignal) => AsyncIterable<readonly Delta[]>,
    caller: AbortSignal,
    deadlines: Deadlines,
  ) {
    super()
    this.#guard = new Guard(caller, deadlines.totalMs)
    this.#deadlines = deadlines
    this.#guard.watch('first_token_timeout', deadlines.firstTokenMs)
    this.#inner = sourceOf(open(this.#guard.signal)[Symbol.asyncIterator]())
  }

  pull(taker: Taker<readonly Delta[]>): void {
    const back = this.#back
    this.#back = undefined
    if (back !== undefined) return taker(undefined, back)
    if (this.#guard.hasFailed) return taker(this.#close(undefined), undefined)
    this.#taker = taker
    if (this.#hasBegun) this.#guard.watch('idle_timeout', this.#deadlines.idleMs)
    this.#inner.pull(this.#received)
  }

  /** The next pull gets it again. */
  putBack(batch: readonly Delta[]): void {
    this.#back = batch
  }

  /** Cuts the upstream now, also when a read is under way. */
  stop(): void {
    this.#guard.fail('aborted')
    this.#guard.close()
    this.#inner.stop()
  }

  readonly #received: Taker<readonly Delta[]> = (failure, batch) => {
    if (failure !== undefined || this.#guard.hasFailed)
      return this.#taker(this.#close(failure), undefined)
    if (batch === undefined) this.#guard.close()
    else this.#hasBegun ||= batch.some(isToken)
    if (this.#hasBegun) this.#guard.rest()
    this.#taker(undefined, batch)
  }

  #close(failure: Error | undefined): ModelFailure {
    this.#guard.close()
    return this.#guard.explain(failure)
  }
}

/** A first chunk often holds the role only: that is no token yet. */
export const isToken = (delta: Delta): boolean =>
  delta.text !== '' ||
  delta.thought !== '' ||
  delta.toolCalls.length > 0 ||
  delta.finish !== undefined
