import { setTimeout as sleep } from 'node:timers/promises'

import type { Knex } from 'knex'
import PostgresClient from 'knex/lib/dialects/postgres/index.js'
import type { Client } from 'pg'

import { DatabaseErrors, retrySoon } from './errors.ts'
import { isBroken, isPoolTimeout, isTooMany, problemOf } from './faults.ts'
import type { Watch } from './watch.ts'

/** A `pg` client with the marks of knex and ours. */
type Connection = Client & {
  __knex__disposed?: unknown
  era?: number
  usedAt?: number
  lost?: unknown
}

export interface WatchedConfig extends Knex.Config {
  readonly watch: Watch
}

/** What we use of knex's pool, which is tarn's. */
export interface Tarn {
  readonly max: number
  readonly acquire: () => { readonly promise: Promise<Connection> }
  readonly numUsed: () => number
  readonly numFree: () => number
  readonly numPendingAcquires: () => number
}

const pingMs = 500
/** Used within this time, it is not asked. */
const freshMs = 1_000
const goodbyeMs = 1_000
const [pauseMs, mostPausesMs] = [100, 1_500]

/**
 * knex's own client, watched: faults become problems, a broken connection never goes back into the pool,
 * and connections from before the last fault are asked before they are used again.
 *
 * No private members: in a transaction knex makes the client anew with `Object.create`.
 */
export class WatchedClient extends PostgresClient {
  declare config: WatchedConfig

  override async acquireConnection(): Promise<Connection> {
    const { watch } = this.config
    const begun = watch.now()
    const pool = this.pool as Tarn | undefined
    // Destroyed: the plugin has stopped, and somebody who holds it still asks.
    if (pool === undefined) throw DatabaseErrors.database_unavailable(retrySoon('stopped'))
    try {
      const connection = await pool.acquire().promise
      watch.acquired(begun)
      return connection
    } catch (error) {
      if (isFull(error, pool)) throw DatabaseErrors.database_busy(retrySoon(error))
      throw watch.down(error)
    }
  }

  override async acquireRawConnection(): Promise<Connection> {
    const { watch } = this.config
    await watch.prepare()
    const { era } = watch
    const waitMs = this.config.pool?.acquireTimeoutMillis ?? 0
    // Less than the pool waits: what the server says tells more than that it took too long.
    const connection: Connection = await patiently(0.75 * waitMs, () =>
      super.acquireRawConnection(),
    )
    return Object.assign(connection, { era, usedAt: watch.now() })
  }

  override async query(connection: Connection, query: string | { sql: string }): Promise<unknown> {
    const { watch } = this.config
    const begun = watch.now()
    const sql = typeof query === 'string' ? query : query.sql
    try {
      const result = await super.query(connection, query)
      watch.answered(sql, begun)
      connection.usedAt = watch.now()
      return result
    } catch (error) {
      watch.failed(sql, begun, error)
      const problem = problemOf(error)
      if (isBroken(error)) discard(connection, problem)
      // A ROLLBACK on a broken connection fails too; what broke it is what happened.
      throw connection.lost ?? problem
    }
  }

  /**
   * Before a connection is used again. One that was idle for a while, or was opened before another broke, is
   * asked first: half a second is better than a statement's whole deadline.
   */
  override async validateConnection(connection: Connection): Promise<boolean> {
    const { watch } = this.config
    const { era = 0, usedAt = 0 } = connection
    if (era < watch.lostEra) return discard(connection, 'one like it gave no answer')
    if (era === watch.era && watch.now() - usedAt < freshMs) return true
    const asked = watch.era
    try {
      await connection.query({ text: 'select 1', query_timeout: pingMs } as { text: string })
      Object.assign(connection, { era: asked, usedAt: watch.now() })
      return true
    } catch (error) {
      watch.lost()
      return discard(connection, error)
    }
  }

  override async destroyRawConnection(connection: Connection): Promise<void> {
    if (connection.__knex__disposed !== undefined) {
      connection.connection?.stream.destroy()
      return
    }
    const impatient = setTimeout(() => discard(connection, 'no goodbye'), goodbyeMs)
    await connection.end().finally(() => clearTimeout(impatient))
  }
}

/** A server that has no connection left may soon have one: of ours, or of an instance that goes. */
async function patiently<T>(waitMs: number, connect: () => Promise<T>): Promise<T> {
  for (let left = Math.min(waitMs, mostPausesMs); ; left -= pauseMs) {
    try {
      return await connect()
    } catch (error) {
      if (!isTooMany(error) || left < pauseMs) throw error
      await sleep(pauseMs)
    }
  }
}

/** tarn's time-out says only that it waited; with all connections in use they are the reason. */
const isFull = (error: unknown, pool: Tarn): boolean =>
  isPoolTimeout(error) && pool.numUsed() >= pool.max

/** Ends it now, so that what waits on it (a ROLLBACK) fails now; knex's `validate` sees the mark. */
function discard(connection: Connection, why: unknown): false {
  connection.__knex__disposed ??= why
  connection.lost ??= why
  connection.connection?.stream.destroy()
  return false
}
