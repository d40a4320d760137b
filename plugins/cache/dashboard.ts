import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Cache',
  panels: [
    {
      title: 'Cache hit ratio',
      description: 'Reads that found a value, of those that looked for one. No traffic, no value.',
      unit: 'percentunit',
      queries: [
        {
          share: { outcome: 'hit' },
          of: 'cache_operations_total',
          where: { operation: 'get', outcome: ['hit', 'miss'] },
          by: ['store'],
        },
      ],
    },
    {
      title: 'Cache operations by outcome',
      description:
        '`error` and `bypass` mean that Redis does not answer; `stale`, that a source fails.',
      unit: 'ops',
      queries: [{ rate: 'cache_operations_total', by: ['store', 'outcome'] }],
    },
    {
      title: 'Cache operation p95',
      description: 'Slow operations on `redis` are the network or Redis itself.',
      unit: 's',
      queries: [
        { quantile: 0.95, of: 'cache_operation_duration_seconds', by: ['store', 'operation'] },
      ],
    },
    {
      title: 'Cache without Redis',
      description: '1 while an instance goes on with its own memory alone.',
      unit: 'short',
      queries: [{ max: 'cache_degraded', by: ['store', 'instance'] }],
    },
    {
      title: 'Calls that waited for another',
      description: 'Each is a call of a source that was saved.',
      unit: 'ops',
      queries: [{ rate: 'cache_coalesced_total', by: ['store'] }],
    },
    {
      title: 'Evictions',
      description: 'Many for `size`: give the cache more memory.',
      unit: 'ops',
      queries: [{ rate: 'cache_evictions_total', by: ['store', 'reason'] }],
    },
    {
      title: 'Cache memory',
      description: 'Bytes of values in each instance; the limit is `memory` of its config.',
      unit: 'bytes',
      queries: [{ max: 'cache_bytes', by: ['instance'] }],
    },
    {
      title: 'Cache entries',
      description: 'Values in the memory of each instance.',
      unit: 'short',
      queries: [{ max: 'cache_entries', by: ['instance'] }],
    },
  ],
})
