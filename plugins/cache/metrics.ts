import { counter, gauge, histogram } from 'autodocops'

import type { CacheService } from './contract.ts'
import { CacheEvents, operations, outcomes, stores } from './contract.ts'

interface Read {
  readonly cache: CacheService
}
const store = { store: stores }

export const metrics = [
  counter({
    name: 'cache_operations_total',
    help: 'Operations on each tier of the cache, by outcome',
    labels: { ...store, operation: operations, outcome: outcomes },
    from: CacheEvents,
    on: {
      'cache:operation-finished': ({ store: of, operation, outcome }) => ({
        store: of,
        operation,
        outcome,
      }),
    },
  }),
  histogram({
    name: 'cache_operation_duration_seconds',
    help: 'Time that an operation on a tier of the cache took; of hits in memory one of 32 is timed',
    labels: { ...store, operation: operations },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    from: CacheEvents,
    on: {
      'cache:operation-finished': ({ store: of, operation, durationMs }) =>
        durationMs === undefined ? undefined : [{ store: of, operation }, durationMs / 1_000],
    },
  }),
  counter({
    name: 'cache_coalesced_total',
    help: 'Calls that waited for a value that another one was making: here, or on another instance',
    labels: store,
    from: CacheEvents,
    on: { 'cache:call-coalesced': ({ store: of }) => ({ store: of }) },
  }),
  counter({
    name: 'cache_evictions_total',
    help: 'Entries that made room or were too old',
    labels: { ...store, reason: ['size', 'ttl'] },
    from: CacheEvents,
    on: { 'cache:entry-evicted': ({ store: of, reason }) => ({ store: of, reason }) },
  }),
  gauge({
    name: 'cache_entries',
    help: 'Entries in memory',
    labels: store,
    collect: ({ cache }: Read) => [[{ store: 'memory' }, cache.status().entries]],
  }),
  gauge({
    name: 'cache_bytes',
    help: 'Bytes in memory',
    labels: store,
    collect: ({ cache }: Read) => [[{ store: 'memory' }, cache.status().bytes]],
  }),
  gauge({
    name: 'cache_degraded',
    help: 'Whether the cache goes on without Redis',
    labels: store,
    collect: ({ cache }: Read) => [[{ store: 'redis' }, Number(cache.status().redis === 'down')]],
  }),
]
