import { cls, definePlugin, optional, own } from 'autodocops'
import { Database } from 'autodocops/plugins/database'
import { RedisConnections } from 'autodocops/plugins/redis'

import { ApiKeys } from './api-keys.ts'
import { bearer } from './bearer.ts'
import { token } from './command-token.ts'
import { config } from './config.ts'
import { Auth } from './contract.ts'
import { dashboard } from './dashboard.ts'
import { RateLimiter } from './limiter.ts'
import { metrics } from './metrics.ts'
import { routes } from './routes.ts'
import { BearerAuth } from './service.ts'
import { PostgresKeyStore } from './store-postgres.ts'
import type { KeyStore } from './store.ts'

const sample = 'k3Xv9Qp2Lr7Tz5Wm8Yb4Nc6Jd1Hf0Gs-example'

export default definePlugin({
  name: 'auth',
  version: '1.0.0',
  core: '^1',
  summary: 'Bearer tokens, API keys, rate limits',
  config,
  requires: { database: optional(Database), redis: optional(RedisConnections) },
  provides: { auth: Auth },
  internal: { apiKeys: own<ApiKeys>(), keyStore: own<KeyStore | undefined>() },
  services: {
    auth: cls(BearerAuth),
    apiKeys: cls(ApiKeys),
    keyStore: ({ database }) => database && new PostgresKeyStore(database),
  },
  fills: { authenticator: bearer, limiter: (services) => new RateLimiter(services) },
  routes,
  metrics,
  dashboard,
  migrations: new URL('./migrations/', import.meta.url),
  // Opened now, so that it stands before the first request is counted.
  start: ({ redis }) => void redis?.isUp('limits'),
  commands: { token },
  welcome: async ({ auth }) => [`export TOKEN=${await auth.issue({ subject: 'demo' })}`],
  describe: ({ config: { issuers }, database }) =>
    [
      'tokens',
      ...issuers.map(({ issuer }) => issuer),
      ...(database === undefined ? [] : ['API keys']),
    ].join(', '),
  examples: {
    config: {
      valid: [
        { secret: sample },
        { secret: sample, limits: { chat: { user: 5, window: '10s' } } },
        {
          secret: sample,
          issuers: [
            {
              issuer: 'https://id.example.com/',
              audience: 'autodocops',
              jwksUrl: 'https://id.example.com/.well-known/jwks.json',
            },
          ],
        },
      ],
      invalid: [
        {},
        { secret: 'of-31-bytes-0123456789-abcdefgh' },
        { secret: 'a'.repeat(48) },
        { secret: sample, maxAge: '10m' },
        { secret: sample, ttl: 3600 },
      ],
    },
  },
})
