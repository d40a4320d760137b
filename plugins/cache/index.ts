import { cls, definePlugin, optional, own } from 'autodocops'
import { RedisConnections } from 'autodocops/plugins/redis'

import { commands } from './commands.ts'
import { config } from './config.ts'
import { Cache } from './contract.ts'
import type { CacheService } from './contract.ts'
import { dashboard } from './dashboard.ts'
import { metrics } from './metrics.ts'
import { operationsOf } from './routes.ts'
import { TieredCache } from './service.ts'

const storeOf = (cache: CacheService) =>
  cache.status().redis === 'off' ? 'memory' : 'memory in front of Redis'

export default definePlugin({
  name: 'cache',
  version: '1.0.0',
  core: '^1',
  summary:
    'A cache in memory, and in front of Redis when that is on, which stays right when Redis does not',
  config,
  requires: { redis: optional(RedisConnections) },
  provides: { cache: Cache },
  internal: { tiers: own<TieredCache>() },
  services: { tiers: cls(TieredCache), cache: ({ tiers }) => tiers },
  operations: operationsOf,
  metrics,
  dashboard,
  health: {
    required: false,
    checks: {
      store: ({ cache }) =>
        cache.status().redis === 'down'
          ? { status: 'warn', detail: 'Redis does not answer: each instance caches for itself' }
          : { status: 'pass', detail: storeOf(cache) },
    },
  },
  start: ({ tiers, server }) => {
    if (server.role === 'serve') tiers.start()
  },
  stop: ({ tiers }) => tiers.stop(),
  describe: ({ cache }) => storeOf(cache),
  commands,
  examples: {
    config: {
      valid: [
        {},
        { memory: '256MiB', ttl: '5m', stale: '1h' },
        { namespaces: { projects: { ttl: '20m', soft: '200ms', eager: 0.8 } } },
      ],
      invalid: [{ ttl: 60 }, { memory: 'lots' }, { jitter: 2 }, { namespaces: { 'a b': {} } }],
    },
  },
})
