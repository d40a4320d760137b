import type { Clock, EventBus } from 'autodocops'

import type { Changes } from './changes.ts'
import { CacheEvents } from './contract.ts'
import type { Entry } from './entry.ts'
import { decode, isOver } from './entry.ts'
import type { Pending } from './pending.ts'
import type { Item, MemoryStore } from './store-memory.ts'
import type { Kept, RemoteStore } from './store.ts'
import type { Tags } from './tags.ts'

export type Found =
  | { readonly state: 'fresh' | 'stale'; readonly item: Item; readonly tier: 'memory' | 'redis' }
  | { readonly state: 'none' }

interface Wanted {
  readonly memory: MemoryStore
  readonly remote: RemoteStore | undefined
  readonly tags: Tags
  readonly changes: Changes
  readonly pending: Pending
  readonly trusts: (at: number) => boolean
  readonly events: EventBus
  readonly clock: Clock
}

interface Reading {
  readonly mark: number
  /** `undefined`: no answer. */
  readonly found: Promise<Found | undefined>
}

const none: Found = { state: 'none' }
/** A second look at the clock would be a tenth of a hit. */
const timedEvery = 32
const untimedHit = Object.freeze({
  store: 'memory',
  operation: 'get',
  outcome: 'hit',
  durationMs: undefined,
} as const)

/** Reads: memory first, then Redis, which fills memory. */
export class Tiers {
  readonly #to: Wanted
  readonly #readings = new Map<string, Reading>()
  #hits = 0

  constructor(to: Wanted) {
    this.#to = to
  }

  /** A hit in memory, without waiting for anything. Most reads end here: nothing that can be spared stands here. */
  fresh(key: string): Item | undefined {
    const { memory, tags, trusts, clock, events } = this.#to
    const now = clock.monotonic()
    const item = memory.get(key)
    if (item === undefined || item.freshUntil <= now || !trusts(item.confirmedAt)) return undefined
    if (!tags.isFresh(item)) return undefined
    if (this.#hits++ % timedEvery > 0)
      events.emit(CacheEvents, 'cache:operation-finished', untimedHit)
    else this.#tell('hit', clock.monotonic() - now)
    return item
  }

  async look(key: string): Promise<Found> {
    const mine = await this.#lookInMemory(key)
    this.#tell(mine.state === 'none' ? 'miss' : mine.state === 'stale' ? 'stale' : 'hit', undefined)
    if (mine.state === 'fresh' || isLeftAlone(mine, this.#to.clock)) return mine
    const { remote } = this.#to
    if (!remote || this.#to.pending.covers(key)) return mine
    const shared = await this.#read(key, remote)
    return shared === undefined ? mine : this.#better(key, mine, shared)
  }

  /** What a text of Redis is worth; a fresh one is kept, unless its key was touched since the mark. */
  async judge(key: string, kept: Kept | null, mark: number): Promise<Found> {
    if (kept === null) return none
    const entry = decode(kept.text, kept.until)
    if (!entry) {
      this.#to.events.emit(CacheEvents, 'cache:value-rejected', { reason: 'corrupt' })
      return none
    }
    const now = this.#to.clock.monotonic()
    const verdict = isOver(entry, now) ? 'gone' : await this.#to.tags.judge(entry)
    if (verdict === 'gone') return none
    if (verdict === 'stale' || entry.freshUntil <= now)
      return { state: 'stale', item: this.itemOf(entry), tier: 'redis' }
    return { state: 'fresh', item: this.keep(key, entry, mark), tier: 'redis' }
  }

  /** Into memory, unless its key was touched since the mark. */
  keep(key: string, entry: Entry, mark: number): Item {
    return this.#keep(key, this.itemOf(entry), mark)
  }

  /** Its source failed: leave it alone for a while. */
  postpone(key: string, item: Item, mark: number, ms: number): Item {
    return this.#keep(key, { ...item, retryAt: this.#to.clock.monotonic() + ms }, mark)
  }

  #keep(key: string, item: Item, mark: number): Item {
    if (!this.#to.changes.touchedSince(mark, key)) this.#to.memory.set(key, item)
    return item
  }

  async #lookInMemory(key: string): Promise<Found> {
    const { memory, tags, trusts, clock } = this.#to
    const item = memory.get(key)
    if (item === undefined) return none
    if (item.staleUntil <= clock.monotonic()) {
      memory.expire(key)
      return none
    }
    const verdict = await tags.judge(item)
    if (verdict === 'gone') {
      if (memory.peek(key) === item) memory.delete(key)
      return none
    }
    const isDated = item.freshUntil <= clock.monotonic()
    const isFresh = verdict === 'fresh' && !isDated && trusts(item.confirmedAt)
    return { state: isFresh ? 'fresh' : 'stale', item, tier: 'memory' }
  }

  /** One command for all who ask at once. `undefined`: no answer. */
  async #read(key: string, remote: RemoteStore): Promise<Found | undefined> {
    const { changes } = this.#to
    const running = this.#readings.get(key)
    if (running && !changes.touchedSince(running.mark, key)) return running.found
    const mark = changes.mark()
    const reading = { mark, found: this.#ask(key, remote, mark) }
    this.#readings.set(key, reading)
    try {
      return await reading.found
    } finally {
      if (this.#readings.get(key) === reading) this.#readings.delete(key)
    }
  }

  async #ask(key: string, remote: RemoteStore, mark: number): Promise<Found | undefined> {
    const answer = await remote.read(key)
    return answer && this.judge(key, answer.value, mark)
  }

  /** What Redis says outdoes what memory held only because nobody told us otherwise. */
  #better(key: string, mine: Found, shared: Found): Found {
    if (shared.state !== 'none' || mine.state === 'none') return shared
    if (this.#to.trusts(mine.item.confirmedAt)) return mine
    if (this.#to.memory.peek(key) === mine.item) this.#to.memory.delete(key)
    return shared
  }

  itemOf(entry: Entry): Item {
    return {
      ...entry,
      confirmedAt: this.#to.clock.monotonic(),
      retryAt: 0,
      view: undefined,
      value: undefined,
      judgedAt: 0,
    }
  }

  #tell(outcome: 'hit' | 'miss' | 'stale', durationMs: number | undefined): void {
    const facts = { store: 'memory', operation: 'get', outcome, durationMs } as const
    this.#to.events.emit(CacheEvents, 'cache:operation-finished', facts)
  }
}

/** Its source failed a moment ago: nobody is asked again for a while. */
const isLeftAlone = (found: Found, clock: Clock): boolean =>
  found.state === 'stale' && found.item.retryAt > clock.monotonic()
