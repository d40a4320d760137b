import type { StreamEvent } from './events.ts'
import { Journal } from './journal.ts'
import type { KeptStream, Streams } from './streams.ts'

export interface Kept {
  readonly owner: string
  readonly journal: Journal
  stop: () => void
  timer: NodeJS.Timeout | undefined
}

/** On this instance alone. */
export class MemoryStreams implements Streams {
  readonly #keepMs: number
  readonly #kept = new Map<string, Kept>()

  constructor({ keepMs }: { readonly keepMs: number }) {
    this.#keepMs = keepMs
  }

  async keep(id: string, owner: string): Promise<KeptStream> {
    const journal = new Journal()
    const kept: Kept = { owner, journal, stop: () => undefined, timer: undefined }
    this.#kept.set(id, kept)
    return {
      id,
      owner,
      journal,
      onStop: (stop) => {
        kept.stop = stop
      },
      readers: () => journal.readers,
      publish: () => undefined,
      end: async () => {
        kept.timer = setTimeout(() => this.#kept.delete(id), this.#keepMs)
        kept.timer.unref()
      },
    }
  }

  async follow(
    id: string,
    owner: string,
    after: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly StreamEvent[]> | undefined> {
    return this.find(id, owner)?.journal.follow(after, signal)
  }

  async stop(id: string, owner: string): Promise<boolean> {
    const kept = this.find(id, owner)
    kept?.stop()
    return kept !== undefined
  }

  async tell(): Promise<boolean> {
    return false
  }

  onTold(): void {}

  async salvage(): Promise<void> {}

  find(id: string, owner: string): Kept | undefined {
    const kept = this.#kept.get(id)
    return kept?.owner === owner ? kept : undefined
  }

  /** Whoever produces it, it stops. */
  stopAny(id: string): void {
    this.#kept.get(id)?.stop()
  }

  start(): void {}

  async close(): Promise<void> {
    for (const { timer } of this.#kept.values()) clearTimeout(timer)
    this.#kept.clear()
  }
}
