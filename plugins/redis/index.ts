import { cls, definePlugin, own } from 'autodocops'

import { config } from './config.ts'
import { RedisConnections } from './contract.ts'
import { dashboard } from './dashboard.ts'
import { examine } from './doctor.ts'
import { metrics } from './metrics.ts'
import { Connections } from './service.ts'

export default definePlugin({
  name: 'redis',
  version: '1.0.0',
  core: '^1',
  summary: 'Connections to Redis: one server, Sentinel or Cluster, with deadlines and reconnects',
  config,
  provides: { redis: RedisConnections },
  internal: { connections: own<Connections>() },
  services: { connections: cls(Connections), redis: ({ connections }) => connections },
  metrics,
  dashboard,
  health: { required: false, checks: { connections: ({ connections }) => connections.health() } },
  // Not awaited: a server without Redis starts, serves, and is joined by it later.
  start: ({ redis }) => void redis.connection('default'),
  stop: ({ connections }) => connections.close(),
  describe: ({ redis }) => `Redis (${redis.kind})`,
  doctor: examine,
  examples: {
    config: {
      valid: [
        {},
        { url: 'localhost:6379' },
        { url: 'rediss://user:secret@redis.example.com:6380/1' },
        { nodes: ['10.0.0.1:6379', '10.0.0.2:6379'], tls: true },
        { sentinels: { name: 'main', nodes: ['10.0.0.1:26379'] } },
        { connections: { sessions: { url: 'redis://sessions.example.com' } } },
      ],
      invalid: [
        { url: 'http://localhost' },
        { url: 'localhost:6379', nodes: ['localhost:6379'] },
        { url: 'redis://localhost?db=3' },
        { url: 'unix:///run/redis.sock' },
        { url: 'redis://localhost', tls: true },
        { nodes: ['localhost'] },
        { commandTimeout: 250 },
      ],
    },
  },
})
