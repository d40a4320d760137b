import { setImmediate } from 'node:timers'

/**
 * Work that holds up the event loop, one piece in a turn of it. Bodies that arrive together would otherwise be parsed,
 * checked and handled in one go, and whoever is streamed to waits for all of them.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []

  /** Resolves in a turn that nobody else has, in the order of the calls. */
  take(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) setImmediate(this.#give)
    })
  }

  readonly #give = () => {
    this.#waiting.shift()?.()
    if (this.#waiting.length > 0) setImmediate(this.#give)
  }
}
