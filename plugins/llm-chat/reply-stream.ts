import { Silence } from './silence.ts'
import { sourceOf } from './source.ts'
import type { Source, Taker } from './source.ts'

/** How batches become text. */
export interface Encoding<T> {
  /** Before the first batch. */
  readonly head: string
  readonly encode: (batch: T) => string
  /** After the last one, when it ended well. */
  readonly tail: () => string
}

/** A comment: every client of event streams skips it. */
const beat = { done: false, value: ': hb\n\n' } as const
const over = { done: true, value: undefined } as const

/**
 * An answer as the chunks of a reply. With heartbeats a silence is filled by comments, so that proxies do not
 * cut a model that thinks. One wait of its source serves many waits of its reader.
 */
export class ReplyStream<T> implements AsyncIterableIterator<string> {
  readonly #source: Source<T>
  readonly #encoding: Encoding<T>
  readonly #heartbeat: Silence | undefined
  #head: string
  #waiter: Waiter | undefined
  /** What came while nobody waited. */
  #ready: Answer | undefined
  #isPulling = false
  #isOver = false

  /** `isLate`: the reader has waited enough and gets a heartbeat first. */
  constructor(
    source: AsyncIterator<T>,
    encoding: Encoding<T>,
    options: { readonly heartbeatMs?: number; readonly isLate?: boolean } = {},
  ) {
    this.#source = sourceOf(source)
    this.#encoding = encoding
    if (options.heartbeatMs !== undefined)
      this.#heartbeat = new Silence(options.heartbeatMs, () => this.#beat())
    this.#head = encoding.head
    if (options.isLate === true) this.#ready = { step: beat }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<string>> {
    const hasMore = !this.#isOver || this.#ready !== undefined
    return hasMore ? new Promise(this.#wait) : Promise.resolve(over)
  }

  /** At once, also while a `next()` is under way. */
  async return(): Promise<IteratorResult<string>> {
    this.#end()
    this.#ready = undefined
    this.#source.stop()
    return over
  }

  readonly #wait = (resolve: Waiter['resolve'], reject: Waiter['reject']) => {
    this.#waiter = { resolve, reject }
    const ready = this.#ready
    this.#ready = undefined
    if (ready !== undefined) return this.#give(ready)
    this.#heartbeat?.touch()
    if (!this.#isPulling) this.#pull()
  }

  #pull(): void {
    this.#isPulling = true
    this.#source.pull(this.#received)
  }

  readonly #received: Taker<T> = (failure, batch) => {
    this.#isPulling = false
    if (failure !== undefined) return this.#give({ failure })
    let text: string
    try {
      text = this.#text(batch)
    } catch (error) {
      return this.#give({ failure: error as Error })
    }
    if (text !== '') this.#give({ step: { done: false, value: text } })
    else if (this.#isOver) this.#give({ step: over })
    else this.#pull()
  }

  #text(batch: T | undefined): string {
    const head = this.#head
    this.#head = ''
    if (batch !== undefined) return head + this.#encoding.encode(batch)
    this.#end()
    return head + this.#encoding.tail()
  }

  #give(answer: Answer): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter === undefined) this.#ready = answer
    else if ('failure' in answer) waiter.reject(answer.failure)
    else waiter.resolve(answer.step)
  }

  #beat(): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.resolve(beat)
  }

  #end(): void {
    this.#isOver = true
    this.#heartbeat?.clear()
  }
}

type Answer = { readonly step: IteratorResult<string> } | { readonly failure: Error }

interface Waiter {
  readonly resolve: (step: IteratorResult<string>) => void
  readonly reject: (reason: Error) => void
}
