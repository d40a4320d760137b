const firstMs = 1_000
const longestMs = 60_000

/** Tries again what did not come about: after 1 to 2 s, 2 to 4 s, … at last every 30 to 60 s, by chance. */
export class Healing {
  readonly #random: () => number
  readonly #attempt: () => void
  #timer: NodeJS.Timeout | undefined
  #tries = 0
  #isClosed = false

  constructor(random: () => number, attempt: () => void) {
    this.#random = random
    this.#attempt = attempt
  }

  /** Once more, later. */
  again(): void {
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    const mostMs = Math.min(longestMs, firstMs * 2 ** (this.#tries + 1))
    const waitMs = mostMs * (0.5 + this.#random() / 2)
    this.#tries += 1
    this.#timer = setTimeout(this.#attempt, waitMs)
  }

  /** Nothing is broken. */
  end(): void {
    clearTimeout(this.#timer)
    this.#tries = 0
  }

  /** Nothing shall be tried any more, whoever asks. */
  close(): void {
    this.#isClosed = true
    this.end()
  }
}
