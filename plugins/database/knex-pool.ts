import type { Logger } from 'autodocops'
import knex from 'knex'
import type { Knex } from 'knex'
import { knexSnakeCaseMappers } from 'objection'

import { WatchedClient } from './client.ts'
import type { WatchedConfig } from './client.ts'
import type { DatabaseConfig } from './config.ts'
import { connectionOf, isEmbedded } from './connection.ts'
import type { Purpose } from './connection.ts'
import type { Watch } from './watch.ts'

export interface PoolOptions {
  readonly config: DatabaseConfig
  /** Where the embedded database's socket is. */
  readonly directory: string
  readonly watch: Watch
  readonly log: Logger
}

const noDeadlineMs = 86_400_000

/** Opens nothing yet: connections come with the first query, and go when idle for half a minute. */
export function makePool(options: PoolOptions, purpose: Purpose): Knex {
  const { config, directory, watch } = options
  const isShared = purpose === 'requests'
  const settings: WatchedConfig = {
    client: WatchedClient as unknown as typeof Knex.Client,
    watch,
    connection: connectionOf(config, directory, purpose) as Knex.PgConnectionConfig,
    pool: {
      min: 0,
      max: isShared && !isEmbedded(config) ? config.pool.max : 1,
      acquireTimeoutMillis: isShared ? config.deadlines.poolWait : noDeadlineMs,
    },
    // Otherwise knex writes every value of a failing statement into its error, and so into the log.
    compileSqlOnError: false,
    log: knexLog(options.log),
    ...knexSnakeCaseMappers(),
  }
  return knex(settings)
}

const knexLog = (log: Logger): Knex.Logger => ({
  debug: (message: unknown) => log.debug({ detail: message }, 'knex'),
  warn: (message: unknown) => log.warn(String(message)),
  error: (message: unknown) => log.error(String(message)),
  deprecate: (method: string, alternative: string) =>
    log.warn(`knex: ${method} is deprecated, use ${alternative}`),
})
