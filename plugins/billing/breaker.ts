import type { Clock } from 'autodocops'

const threshold = 5
const restMs = 5_000

/** After five failures in a row nothing is asked for five seconds; a 429 decides by itself how long. */
export class Breaker {
  readonly #clock: Clock
  #failures = 0
  #openUntil = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long to wait; 0 when it may be asked. */
  get waitMs(): number {
    return Math.max(0, this.#openUntil - this.#clock.monotonic())
  }

  succeeded(): void {
    this.#failures = 0
  }

  failed(): void {
    this.#failures += 1
    if (this.#failures >= threshold) this.rest(restMs)
  }

  rest(ms: number): void {
    this.#openUntil = this.#clock.monotonic() + ms
  }
}
