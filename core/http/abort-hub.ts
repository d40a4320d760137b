/** Something that ends early when a signal says so. */
export interface Abortable {
  readonly abort: (reason: Error) => void
}

/**
 * Hands one long-lived signal on to many short-lived requests. It listens only while somebody waits, so that a
 * generation which is no longer used hangs on no signal, and 1,000 streams are one listener.
 */
export class AbortHub {
  readonly #signal: AbortSignal
  readonly #reason: () => Error
  readonly #waiting = new Set<Abortable>()

  constructor(signal: AbortSignal, reason: () => Error) {
    this.#signal = signal
    this.#reason = reason
  }

  add(member: Abortable): void {
    if (this.#signal.aborted) return member.abort(this.#reason())
    if (this.#waiting.size === 0) this.#signal.addEventListener('abort', this.#abortAll)
    this.#waiting.add(member)
  }

  delete(member: Abortable): void {
    if (this.#waiting.delete(member) && this.#waiting.size === 0)
      this.#signal.removeEventListener('abort', this.#abortAll)
  }

  readonly #abortAll = () => {
    for (const member of this.#waiting) member.abort(this.#reason())
  }
}
