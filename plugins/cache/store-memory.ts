import type { EventBus } from 'autodocops'
import { LRUCache } from 'lru-cache'

import { CacheEvents } from './contract.ts'
import { copyOf } from './copy.ts'
import type { Entry } from './entry.ts'

/** An HTTP reply made from an entry. */
export interface View {
  /** Frozen. */
  readonly value: unknown
  readonly bytes: Buffer
  readonly etag: string
}

/** An entry in this process. */
export interface Item extends Entry {
  /** Monotonic: when it was known to be what everybody has. */
  readonly confirmedAt: number
  /** Monotonic: until then its source failed a moment ago and is left alone. */
  readonly retryAt: number
  readonly view: View | undefined
  /** What `json` means, of a small one that was read here; nobody else gets it. */
  readonly value: unknown
  /** The version of the tags by which it was judged fresh; 0: not yet. */
  judgedAt: number
}

/** Map, LRU and V8 need about that much for an entry besides its text. */
const overhead = 300

/** Longer ones are parsed for each read: an object takes more than its text. */
const mostKept = 4_096
const weightOfValue = 2

const weightOf = ({ json, view, value }: Item, key: string): number =>
  overhead +
  key.length +
  Buffer.byteLength(json) +
  (view ? 2 * view.bytes.length : 0) +
  (value === undefined ? 0 : weightOfValue * json.length)

/** The first tier: bounded by bytes, no timers. What is too old goes when it is read, or makes room. */
export class MemoryStore {
  readonly maxBytes: number
  readonly #events: EventBus
  readonly #items: LRUCache<string, Item>

  constructor(maxBytes: number, events: EventBus) {
    this.maxBytes = maxBytes
    this.#events = events
    this.#items = new LRUCache<string, Item>({
      maxSize: maxBytes,
      sizeCalculation: weightOf,
      dispose: (_item, _key, reason) => {
        if (reason === 'evict') this.#evicted('size')
      },
    })
  }

  get(key: string): Item | undefined {
    return this.#items.get(key)
  }

  peek(key: string): Item | undefined {
    return this.#items.peek(key)
  }

  set(key: string, item: Item): void {
    this.#items.set(key, item)
  }

  /** Its value, as the reader's own. */
  valueOf(key: string, item: Item): unknown {
    if (item.value !== undefined) return copyOf(item.value)
    const value: unknown = JSON.parse(item.json)
    if (item.json.length <= mostKept) this.replace(key, item, { ...item, value: copyOf(value) })
    return value
  }

  /** Takes another copy of the same entry, unless a newer one stands there by now. */
  replace(key: string, old: Item, item: Item): void {
    if (this.#items.peek(key) === old) this.#items.set(key, item)
  }

  delete(key: string): boolean {
    return this.#items.delete(key)
  }

  expire(key: string): void {
    this.delete(key)
    this.#evicted('ttl')
  }

  /** All whose key begins so. */
  clear(prefix: string): number {
    const keys = [...this.#items.keys()].filter((key) => key.startsWith(prefix))
    for (const key of keys) this.#items.delete(key)
    return keys.length
  }

  clearAll(): void {
    this.#items.clear()
  }

  get entries(): number {
    return this.#items.size
  }

  get bytes(): number {
    return this.#items.calculatedSize
  }

  #evicted(reason: 'size' | 'ttl'): void {
    this.#events.emit(CacheEvents, 'cache:entry-evicted', { store: 'memory', reason })
  }
}
