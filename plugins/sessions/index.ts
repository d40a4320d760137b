import { cls, definePlugin, optional, own } from 'autodocops'
import { RedisConnections } from 'autodocops/plugins/redis'

import { config } from './config.ts'
import { Sessions } from './contract.ts'
import { cookieAuthenticator } from './cookie-authenticator.ts'
import { SessionCookie } from './cookie.ts'
import { dashboard } from './dashboard.ts'
import { KoaSessions } from './koa-sessions.ts'
import { metrics } from './metrics.ts'
import { routes } from './routes.ts'
import { SessionKeeper } from './service.ts'
import { chooseStore, checkStore, openStore } from './store-choice.ts'
import type { ObservedSessionStore } from './store-observed.ts'
import { Visits } from './visits.ts'

const secret = 'w7Rk2Ub9Xe4Mq6Za1Tp8Vc3Ns5Ly0Dg-example'

export default definePlugin({
  name: 'sessions',
  version: '1.0.0',
  core: '^1',
  summary: 'Sessions of browsers: a signed cookie, in memory or in Redis',
  config,
  requires: { redis: optional(RedisConnections) },
  provides: { sessions: Sessions },
  internal: {
    store: own<ObservedSessionStore>(),
    keeper: own<SessionKeeper>(),
    cookie: own<SessionCookie>(),
    visits: own<Visits>(),
  },
  services: {
    store: chooseStore,
    keeper: cls(SessionKeeper),
    cookie: cls(SessionCookie),
    visits: cls(Visits),
    sessions: cls(KoaSessions),
  },
  fills: { authenticator: cookieAuthenticator },
  routes,
  metrics,
  dashboard,
  health: { required: false, checks: { store: checkStore } },
  start: openStore,
  describe: ({ store }) => store.kind,
  examples: {
    config: {
      valid: [
        { secret },
        { secret, ttl: '30m', absolute: '12h' },
        { secret, cookie: { sameSite: 'lax', secure: false } },
        { secret, cookie: { partitioned: true, domain: 'example.com' } },
      ],
      invalid: [
        { secret: 'of-31-bytes-0123456789-abcdefgh' },
        { secret, ttl: 28800 },
        { secret, ttl: '8d' },
        { secret, absolute: '401d', ttl: '8h' },
        { secret, cookie: { secure: false } },
        { secret, cookie: { partitioned: true, sameSite: 'lax' } },
        { secret, cookie: { partitioned: true, sameSite: 'lax', secure: false } },
        { secret, cookie: { name: '__Host-sid', domain: 'example.com' } },
        { secret, cookie: { name: '__host-sid', secure: false, sameSite: 'lax' } },
        { secret, cookie: { name: '__Secure-sid', secure: false, sameSite: 'lax' } },
        { secret, cookie: { name: 's id' } },
        { secret, cookie: { domain: 'https://example.com' } },
      ],
    },
  },
})
