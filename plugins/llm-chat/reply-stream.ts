/** How batches become text. */
export interface Encoding<T> {
  /** Before the first batch. */
  readonly head: string
  readonly encode: (batch: T) => string
  /** After the last one, when it ended well. */
  readonly tail: () => string
}

/** A comment: every client of event streams skips it. */
const heartbeat = ': hb\n\n'

/**
 * An answer as the chunks of a reply. With heartbeats a silence is filled by comments, so that proxies do not
 * cut a model that thinks. One wait of its source serves many waits of its reader.
 */
export class ReplyStream<T> implements AsyncIterableIterator<string> {
  readonly #source: AsyncIterator<T>
  readonly #encoding: Encoding<T>
  readonly #heartbeatMs: number | undefined
  #head: string
  #timer: NodeJS.Timeout | undefined
  #waiter: Waiter<T> | undefined
  /** What came while nobody waited. */
  #ready: ((waiter: Waiter<T>) => void) | undefined
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
    this.#heartbeatMs = options.heartbeatMs
    this.#head = encoding.head
    if (options.isLate === true) this.#ready = ({ resolve }) => resolve(undefined)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<string>> {
    while (!this.#isOver) {
      const step = await this.#step()
      const text = step === undefined ? heartbeat : this.#text(step)
      if (text !== '') return { done: false, value: text }
    }
    return { done: true, value: undefined }
  }

  /** At once, also while a `next()` is under way. */
  async return(): Promise<IteratorResult<string>> {
    this.#end()
    await this.#source.return?.()
    return { done: true, value: undefined }
  }

  #text(step: IteratorResult<T>): string {
    const head = this.#head
    this.#head = ''
    if (step.done !== true) return head + this.#encoding.encode(step.value)
    this.#end()
    return head + this.#encoding.tail()
  }

  /** The next batch, or `undefined` when it is time for a heartbeat. */
  #step(): Promise<IteratorResult<T> | undefined> {
    return new Promise((resolve, reject) => {
      const ready = this.#ready
      this.#ready = undefined
      if (ready !== undefined) return ready({ resolve, reject })
      this.#waiter = { resolve, reject }
      this.#armHeartbeat()
      if (!this.#isPulling) this.#pull()
    })
  }

  #pull(): void {
    this.#isPulling = true
    this.#source.next().then(
      (step) => this.#deliver(({ resolve }) => resolve(step)),
      (error: unknown) => this.#deliver(({ reject }) => reject(error as Error)),
    )
  }

  #deliver(give: (waiter: Waiter<T>) => void): void {
    this.#isPulling = false
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter === undefined) this.#ready = give
    else give(waiter)
  }

  /** One timer for the whole stream. */
  #armHeartbeat(): void {
    if (this.#heartbeatMs === undefined) return
    this.#timer = this.#timer?.refresh() ?? setTimeout(() => this.#beat(), this.#heartbeatMs)
  }

  #beat(): void {
    const waiter = this.#waiter
    this.#waiter = undefined
    waiter?.resolve(undefined)
  }

  #end(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }
}

interface Waiter<T> {
  readonly resolve: (step: IteratorResult<T> | undefined) => void
  readonly reject: (reason: Error) => void
}
