/**
 * Calls when `touch()` has not been called for `ms`. Its timer is not moved at each touch, of which there may be
 * hundreds a second, but looks back when it fires. After a call it waits for the next touch.
 */
export class Silence {
  readonly ms: number
  readonly #call: () => void
  #touchedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, call: () => void) {
    this.ms = ms
    this.#call = call
  }

  touch(): void {
    this.#touchedAt = performance.now()
    this.#timer ??= setTimeout(this.#look, this.ms)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  readonly #look = () => {
    const leftMs = this.#touchedAt + this.ms - performance.now()
    // Node's timers may be early by a part of a millisecond.
    this.#timer = leftMs < 1 ? undefined : setTimeout(this.#look, leftMs)
    if (this.#timer === undefined) this.#call()
  }
}
