import type { EventBus } from 'autodocops'

import type { CacheStatus } from './contract.ts'
import { CacheEvents } from './contract.ts'

type Counts = { -readonly [K in keyof CacheStatus['counts']]: number }

/** What this process did, counted like the metrics: by listening. */
export class Counter {
  readonly #counts: Counts = {
    memoryHits: 0,
    redisHits: 0,
    stale: 0,
    misses: 0,
    coalesced: 0,
    errors: 0,
    evictions: 0,
    rejected: 0,
    overtaken: 0,
    resyncs: 0,
  }

  constructor(events: EventBus) {
    const counts = this.#counts
    events.on(CacheEvents, 'cache:operation-finished', ({ store, operation, outcome }) => {
      if (outcome === 'error') counts.errors++
      if (operation !== 'get') return
      if (outcome === 'hit') counts[store === 'memory' ? 'memoryHits' : 'redisHits']++
      if (outcome === 'stale') counts.stale++
      if (outcome === 'miss' && store === 'memory') counts.misses++
    })
    events.on(CacheEvents, 'cache:call-coalesced', () => void counts.coalesced++)
    events.on(CacheEvents, 'cache:entry-evicted', () => void counts.evictions++)
    events.on(CacheEvents, 'cache:value-rejected', () => void counts.rejected++)
    events.on(CacheEvents, 'cache:value-overtaken', () => void counts.overtaken++)
    events.on(CacheEvents, 'cache:memory-resynced', () => void counts.resyncs++)
  }

  read(): CacheStatus['counts'] {
    return { ...this.#counts }
  }
}
