import type { StreamEvent, Unnumbered } from './events.ts'
import { isTerminal } from './events.ts'

/** The events of one answer, in memory: appended by its producer, read from anywhere by any number of readers. */
export class Journal {
  readonly #events: StreamEvent[] = []
  readonly #waiting = new Set<() => void>()
  #bytes = 0
  #hasEnded = false
  readers = 0

  get bytes(): number {
    return this.#bytes
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  append(events: readonly Unnumbered[]): readonly StreamEvent[] {
    if (this.#hasEnded) return []
    const numbered = events.map((one, index) => ({ ...one, seq: this.#events.length + index + 1 }))
    for (const one of numbered) {
      this.#events.push(one)
      this.#bytes += one.data.length
      this.#hasEnded ||= isTerminal(one)
    }
    for (const wake of this.#waiting) wake()
    return numbered
  }

  since(after: number): readonly StreamEvent[] {
    return this.#events.slice(after)
  }

  /** Resolves at the next append, or when the signal is aborted. */
  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  /** What comes after `after`, up to the terminal event. Ends early when the signal is aborted. */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<readonly StreamEvent[]> {
    let seen = after
    this.readers += 1
    try {
      while (!signal.aborted) {
        const events = this.since(seen)
        seen += events.length
        if (events.length > 0) yield events
        if (events.length === 0 && this.#hasEnded) return
        if (events.length === 0) await this.changed(signal)
      }
    } finally {
      this.readers -= 1
    }
  }
}
