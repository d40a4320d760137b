import type { Clock } from 'autodocops'
import { LRUCache } from 'lru-cache'

import type { SessionStore, Swap } from './store.ts'

interface Entry {
  readonly raw: string
  readonly expiresAt: number
}

/** The most that a process holds; then those unused for longest go. About 200,000 small ones. */
const maxLength = 64 * 1_048_576

/** Sessions of this process. They end with it. */
export class MemorySessionStore implements SessionStore {
  readonly kind = 'memory'
  readonly #entries = new LRUCache<string, Entry>({
    maxSize: maxLength,
    sizeCalculation: ({ raw }) => raw.length,
  })
  readonly #lists = new Map<string, Map<string, number>>()
  readonly #clock: Clock

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock
  }

  async read(handle: string): Promise<string | undefined> {
    return this.#living(handle)?.raw
  }

  async create(handle: string, raw: string, ttlMs: number): Promise<void> {
    this.#entries.set(handle, { raw, expiresAt: this.#clock.now() + ttlMs })
  }

  async swap(handle: string, seen: string, raw: string, ttlMs: number): Promise<Swap> {
    const found = this.#living(handle)?.raw
    if (found === undefined) return 'gone'
    if (found !== seen) return { found }
    await this.create(handle, raw, ttlMs)
    return 'swapped'
  }

  async destroy(handle: string): Promise<boolean> {
    const wasLiving = this.#living(handle) !== undefined
    this.#entries.delete(handle)
    return wasLiving
  }

  async enlist(subject: string, handle: string, expiresAt: number): Promise<void> {
    const list = this.#lists.get(subject) ?? new Map<string, number>()
    this.#lists.set(subject, list.set(handle, expiresAt))
    this.#prune(subject, list)
  }

  async delist(subject: string, handle: string): Promise<void> {
    const list = this.#lists.get(subject)
    list?.delete(handle)
    if (list?.size === 0) this.#lists.delete(subject)
  }

  async handlesOf(subject: string): Promise<readonly string[]> {
    const list = this.#lists.get(subject)
    if (list === undefined) return []
    this.#prune(subject, list)
    return [...list].sort(([, a], [, b]) => a - b).map(([handle]) => handle)
  }

  async count(): Promise<number> {
    for (const [subject, list] of this.#lists) this.#prune(subject, list)
    return [...this.#lists.values()].reduce((sum, list) => sum + list.size, 0)
  }

  #living(handle: string): Entry | undefined {
    const entry = this.#entries.get(handle)
    return entry !== undefined && this.#clock.now() < entry.expiresAt ? entry : undefined
  }

  #prune(subject: string, list: Map<string, number>): void {
    for (const handle of list.keys())
      if (this.#living(handle) === undefined) {
        list.delete(handle)
        this.#entries.delete(handle)
      }
    if (list.size === 0) this.#lists.delete(subject)
  }
}
