import redis from '../../../plugins/redis/index.ts'
import type { AnyPlugin } from '../../../core/app-options.ts'
import { serve } from './server.ts'
import type { Served } from './server.ts'

/** One of several instances over the same Redis, and over the same database when there is one. */
export const serveOnRedis = (
  url: string,
  keyPrefix: string,
  config: Readonly<Record<string, unknown>> = {},
  databaseUrl = '',
): Promise<Served> =>
  serve({ fakeDelay: '2ms', ...config }, [redis as unknown as AnyPlugin], {
    plugins: {
      redis: { config: { url, keyPrefix } },
      ...(databaseUrl !== '' && { database: { config: { url: databaseUrl } } }),
    },
  })
