interface Waiting<T, R> {
  readonly item: T
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

export interface GroupCommitOptions<T, R> {
  /** Writes all of them in one statement; a result for each, in order. */
  readonly write: (items: readonly T[]) => Promise<readonly R[]>
  readonly maxBatch: number
  /** More are refused. */
  readonly maxQueue: number
  /** What a refused one gets. */
  readonly refuse: () => Error
}

/**
 * Many callers, one commit: while a batch is on its way to the disk the next one gathers. A caller's
 * promise settles when its own batch is committed, or failed.
 */
export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>
  #queue: Waiting<T, R>[] = []
  #isWriting = false
  #isClosed = false

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options
  }

  add(item: T): Promise<R> {
    const { maxQueue, refuse } = this.#options
    if (this.#isClosed || this.#queue.length >= maxQueue) return Promise.reject(refuse())
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject })
      this.#next()
    })
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** Refuses new ones; those that wait are still written. */
  close(): void {
    this.#isClosed = true
  }

  #next(): void {
    if (this.#isWriting || this.#queue.length === 0) return
    this.#isWriting = true
    // The requests that arrived in the same turn of the loop come along.
    setImmediate(() => void this.#write())
  }

  /** Never rejects: each caller gets its own result. */
  async #write(): Promise<void> {
    const batch = this.#queue.splice(0, this.#options.maxBatch)
    try {
      const results = await this.#options.write(batch.map(({ item }) => item))
      batch.forEach(({ resolve }, at) => resolve(results[at] as R))
    } catch (error) {
      batch.forEach(({ reject }) => reject(error))
    }
    this.#isWriting = false
    this.#next()
  }
}
