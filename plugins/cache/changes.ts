import { LRUCache } from 'lru-cache'

/**
 * What was invalidated, in order. Whoever reads takes a mark before and asks after: a value read before its
 * key was invalidated must not be kept.
 */
export class Changes {
  #now = 0
  /** Everything before it counts as changed. */
  #floor = 0
  readonly #recent = new LRUCache<string, number>({
    maxSize: 10_000,
    sizeCalculation: () => 1,
    // Who is forgotten raises the floor, so that a forgotten change is never taken for none.
    dispose: (at, _key, reason) => {
      if (reason === 'evict') this.#floor = Math.max(this.#floor, at)
    },
  })

  mark(): number {
    return this.#now
  }

  touch(key: string): void {
    this.#recent.set(key, ++this.#now)
  }

  touchAll(): void {
    this.#floor = ++this.#now
  }

  touchedSince(mark: number, key: string): boolean {
    return this.#floor > mark || (this.#recent.peek(key) ?? 0) > mark
  }
}
