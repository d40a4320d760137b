import { namespaceOf } from './keys.ts'
import type { Answer } from './store.ts'

interface Wanted {
  /** Whether who must hear of that key can be asked. */
  readonly reaches: (key: string) => boolean
  readonly clearOf: (namespace: string) => Replay
}

type Replay = () => Promise<Answer<unknown>>

const everyMs = 500
/** More than that is no list any more: see {@link Pending.add}. */
const most = 10_000

/**
 * Invalidations that Redis did not hear of. They are told again until it confirms them; until then what it
 * says of those keys is not believed. They are lost with the process.
 */
export class Pending {
  readonly #entries = new Map<string, Replay>()
  readonly #spaces = new Map<string, Replay>()
  readonly #to: Wanted
  #timer: NodeJS.Timeout | undefined
  #isReplaying = false

  constructor(to: Wanted) {
    this.#to = to
  }

  get size(): number {
    return this.#entries.size + this.#spaces.size
  }

  covers(key: string): boolean {
    if (this.size === 0) return false
    return this.#entries.has(key) || this.#spaces.has(namespaceOf(key))
  }

  /** Too many to remember one by one become one for the namespace of each. */
  add(key: string, replay: Replay): void {
    this.#wake()
    if (this.#entries.size < most || this.#entries.has(key))
      return void this.#entries.set(key, replay)
    this.clear(namespaceOf(key))
  }

  clear(namespace: string): void {
    this.#wake()
    this.#spaces.set(namespace, this.#to.clearOf(namespace))
  }

  async replay(): Promise<void> {
    if (this.#isReplaying) return
    this.#isReplaying = true
    try {
      await this.#tell(this.#spaces, () => true)
      await this.#tell(this.#entries, this.#to.reaches)
    } finally {
      this.#isReplaying = false
      if (this.size === 0) this.stop()
    }
  }

  /** Ends at the first that gets no answer; next time the others come before it. */
  async #tell(list: Map<string, Replay>, reaches: (key: string) => boolean): Promise<void> {
    for (const [key, replay] of list) {
      if (!reaches(key)) continue
      const answer = await replay()
      const isSame = list.get(key) === replay
      if (isSame) list.delete(key)
      if (answer) continue
      if (isSame) list.set(key, replay)
      return
    }
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #wake(): void {
    this.#timer ??= setInterval(() => void this.replay(), everyMs).unref()
  }
}
