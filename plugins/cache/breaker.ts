import type { Clock } from 'autodocops'

/** `closed` → (failure) `open` for a while → `trying` with one probe → `closed` or `open` again. */
export class Breaker {
  readonly #openMs: number
  readonly #clock: Clock
  #openUntil: number | undefined
  #isTrying = false

  constructor(openMs: number, clock: Clock) {
    this.#openMs = openMs
    this.#clock = clock
  }

  get isClosed(): boolean {
    return this.#openUntil === undefined
  }

  /** True: go on, and tell how it went. */
  allows(): boolean {
    if (this.#openUntil === undefined) return true
    if (this.#isTrying || this.#clock.monotonic() < this.#openUntil) return false
    this.#isTrying = true
    return true
  }

  succeed(): void {
    this.#openUntil = undefined
    this.#isTrying = false
  }

  fail(): void {
    this.#openUntil = this.#clock.monotonic() + this.#openMs
    this.#isTrying = false
  }
}
