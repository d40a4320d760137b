import type { Clock } from 'autodocops'

const failuresToOpen = 5
const openMs = 30_000

/**
 * Spares a target that keeps failing: closed → (five failures in a row) → open for 30 s → one probe, which
 * closes it or opens it again. What the client did never counts.
 */
export class Breaker {
  readonly #clock: Clock
  #failures = 0
  #openUntil = 0
  #isProbing = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Asks for leave to call; whoever gets it must tell how it went. */
  enter(): boolean {
    if (this.#failures < failuresToOpen) return true
    if (this.#isProbing || this.#clock.monotonic() < this.#openUntil) return false
    this.#isProbing = true
    return true
  }

  succeeded(): void {
    this.#failures = 0
    this.#isProbing = false
  }

  failed(): void {
    this.#failures += 1
    this.#isProbing = false
    this.#openUntil = this.#clock.monotonic() + openMs
  }

  /** It ended for a reason that says nothing of the target. */
  left(): void {
    this.#isProbing = false
  }

  get retryAfterMs(): number {
    return Math.max(0, this.#openUntil - this.#clock.monotonic())
  }
}
