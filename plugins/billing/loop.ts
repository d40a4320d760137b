/**
 * A job that runs now and then. `run` says whether there is more to do at once; `wake` shortens the wait;
 * `stop` waits for the run under way, whose signal is aborted.
 */
export class Loop {
  readonly #run: (signal: AbortSignal) => Promise<boolean>
  readonly #everyMs: number
  readonly #onError: (error: unknown) => void
  #stopping = new AbortController()
  #running: Promise<void> | undefined
  #isWoken = false
  #rouse: () => void = () => {}

  constructor(
    run: (signal: AbortSignal) => Promise<boolean>,
    everyMs: number,
    onError: (error: unknown) => void,
  ) {
    this.#run = run
    this.#everyMs = everyMs
    this.#onError = onError
  }

  start(): void {
    if (this.#running) return
    this.#stopping = new AbortController()
    this.#running = this.#go(this.#stopping.signal)
  }

  wake(): void {
    this.#isWoken = true
    this.#rouse()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#rouse()
    await this.#running
    this.#running = undefined
  }

  async #go(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isWoken = false
      const hasMore = await this.#attempt(signal)
      if (!hasMore && !signal.aborted) await this.#pause()
    }
  }

  async #attempt(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#run(signal)
    } catch (error) {
      this.#onError(error)
      await new Promise<void>((resolve) => this.#after(Math.min(this.#everyMs, 1_000), resolve))
      return false
    }
  }

  #pause(): Promise<void> {
    if (this.#isWoken) return Promise.resolve()
    return new Promise((resolve) => this.#after(this.#everyMs, resolve))
  }

  #after(ms: number, resolve: () => void): void {
    const timer = setTimeout(resolve, ms)
    this.#rouse = () => {
      clearTimeout(timer)
      resolve()
    }
  }
}
