import { events, service } from 'autodocops'
import type { Knex } from 'knex'
import type { Model } from 'objection'

export interface DatabaseService {
  /** `pglite`: one real session for the whole process. The same SQL runs on both. */
  readonly kind: 'postgres' | 'pglite'
  /**
   * Queries and transactions. Faults of the connection, the pool and the clock come out as problems 503
   * (`database_busy`, `database_unavailable`, `database_timeout`); a constraint as the driver's own error.
   * Banned, since PGlite shares one session: COPY, session SET, named statements, LISTEN that correctness
   * needs, a transaction held over a network call.
   */
  readonly knex: Knex
  /** The model class on this database; never `Model.knex()`. */
  readonly bind: <M extends typeof Model>(model: M) => M
  /** Calls back on NOTIFY: a speed-up only, never heard on PGlite. Returns the function that ends it. */
  readonly listen: (channel: string, heard: (payload: string) => void) => () => void
}

export const Database = service('database').of<DatabaseService>()

export const DatabaseEvents = events<{
  'database:query-finished': {
    readonly operation: 'select' | 'insert' | 'update' | 'delete' | 'other'
    /** The first table that the statement names; `none` for `BEGIN` and the like. */
    readonly table: string
    readonly durationMs: number
    readonly error: 'connection' | 'constraint' | 'timeout' | 'other' | undefined
  }
  'database:connection-acquired': { readonly waitMs: number }
  'database:went-down': { readonly reason: string }
  'database:came-back': { readonly downMs: number }
}>('database')
