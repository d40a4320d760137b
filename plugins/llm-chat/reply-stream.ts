import { Silence } from './silence.ts'

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
  readonly #source: AsyncIterator<T>
  readonly #encoding: Encoding<T>
  readonly #heartbeat: Silence | undefined
  #head: string
  #waiter: Waiter | undefined
  /** What came while nobody waited. */
  #ready: ((waiter: Waiter) => void) | undefined
  #isPulling = false
  #isOver = false

  /** `isLate`: the reader has waited enough and gets a heartbeat first. */
  constructor(
    source: AsyncIterator<T>,
    encoding: Encoding<T>,
    options: { readonly heartbeatMs?: number; readonly isLate?: boolean } = {},
  ) {
    this.#source = source
    this.#encoding = encoding
    if (options.heartbeatMs !== undefined)
      this.#heartbeat = new Silence(options.heartbeatMs, () => this.#beat())
    this.#head = encoding.head
    if (options.isLate === true) this.#ready = (waiter) => waiter.resolve(beat)
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
    await this.#source.return?.()
    return over
  }

  readonly #wait = (resolve: Waiter['resolve'], reject: Waiter['reject']) => {
    const ready = this.#ready
    this.#ready = undefined
    if (ready !== undefined) return ready({ resolve, reject })
    this.#waiter = { resolve, reject }
    this.#heartbeat?.touch()
    if (!this.#isPulling) this.#pull()
  }

  #pull(): void {
    this.#isPulling = true
    this.#source.next().then(this.#received, this.#broke)
  }

  readonly #received = (step: IteratorResult<T>) => {
    this.#isPulling = false
    try {
      const text = this.#text(step)
      if (text !== '') this.#give((waiter) => waiter.resolve({ done: false, value: text }))
      else if (this.#isOver) this.#give((waiter) => waiter.resolve(over))
      else this.#pull()
    } catch (error) {
      this.#broke(error)
    }
  }

  readonly #broke = (error: unknown) => {
    this.#isPulling = false
    this.#give((waiter) => waiter.reject(error as Error))
  }

  #text(step: IteratorResult<T>): string {
    const head = this.#head
    this.#head = ''
    if (step.done !== true) return head + this.#encoding.encode(step.value)
    this.#end()
    return head + this.#encoding.tail()
  }

  #give(answer: (waiter: Waiter) => void): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter === undefined) this.#ready = answer
    else answer(waiter)
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

interface Waiter {
  readonly resolve: (step: IteratorResult<string>) => void
  readonly reject: (reason: Error) => void
}
