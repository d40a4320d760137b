/** Takes one answer of a source: a failure, or a batch, or with neither the end. */
export type Taker<T> = (failure: Error | undefined, batch: T | undefined) => void

const over = { done: true, value: undefined } as const

/**
 * Batches one at a time, each asked for by a `pull()` and answered by a callback, at once or later: what an async
 * iterator does, without its promises at every stage of a stream. A pull is answered once, there is one at a time,
 * and after a failure or the end there is no other. For those who read few batches it is an async iterator too.
 */
export abstract class Source<T> implements AsyncIterableIterator<T> {
  abstract pull(taker: Taker<T>): void

  /** Nobody reads on; a pull under way is answered soon. */
  abstract stop(): void

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      this.pull((failure, value) => {
        if (failure !== undefined) reject(failure)
        else resolve(value === undefined ? over : { done: false, value })
      })
    })
  }

  return(): Promise<IteratorResult<T>> {
    this.stop()
    return Promise.resolve(over)
  }
}

class IteratedSource<T> extends Source<T> {
  readonly #iterator: AsyncIterator<T>

  constructor(iterator: AsyncIterator<T>) {
    super()
    this.#iterator = iterator
  }

  pull(taker: Taker<T>): void {
    this.#iterator.next().then(
      ({ done, value }) => taker(undefined, done === true ? undefined : value),
      (error: Error) => taker(error, undefined),
    )
  }

  stop(): void {
    // Whatever it says on its way out, nobody listens any more.
    this.#iterator.return?.().catch(() => undefined)
  }
}

export const sourceOf = <T>(iterator: AsyncIterator<T>): Source<T> =>
  iterator instanceof Source ? (iterator as Source<T>) : new IteratedSource(iterator)
