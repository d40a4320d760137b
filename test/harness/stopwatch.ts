const beatMs = 10

/**
 * Time without the time in which this process stood still. A busy machine may stop a process for half a second,
 * and then no deadline of ours is kept by the clock on the wall; a heartbeat tells that from what only waited.
 */
export class Stopwatch {
  readonly #began = performance.now()
  #beatAt = this.#began
  #stoodStillMs = 0
  readonly #heart = setInterval(() => this.#beat(), beatMs)

  /** For what must not take too long. */
  get ms(): number {
    this.#beat()
    return this.wallMs - this.#stoodStillMs
  }

  /** By the clock on the wall: for what must not be over too soon. */
  get wallMs(): number {
    return performance.now() - this.#began
  }

  stop(): void {
    clearInterval(this.#heart)
  }

  #beat(): void {
    const missedMs = performance.now() - this.#beatAt - beatMs
    if (missedMs > beatMs) this.#stoodStillMs += missedMs
    this.#beatAt = performance.now()
  }
}

export interface Timed<T> {
  readonly value: T
  readonly ms: number
  readonly wallMs: number
}

/** How long the work took. */
export async function timed<T>(work: () => T | Promise<T>): Promise<Timed<T>> {
  const watch = new Stopwatch()
  try {
    const value = await work()
    return { value, ms: watch.ms, wallMs: watch.wallMs }
  } finally {
    watch.stop()
  }
}
