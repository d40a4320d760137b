import { setTimeout as sleep } from 'node:timers/promises'

import { isProblem } from 'autodocops'
import type { Clock, EventBus, Health, Logger, ServerFacts } from 'autodocops'
import type { Knex } from 'knex'
import type { Model } from 'objection'

import type { Tarn } from './client.ts'
import type { DatabaseConfig } from './config.ts'
import { isEmbedded, placeOf } from './connection.ts'
import type { DatabaseService } from './contract.ts'
import { Embedded } from './embedded.ts'
import { DatabaseErrors } from './errors.ts'
import { adviceOn, reasonOf } from './faults.ts'
import { makePool } from './knex-pool.ts'
import type { PoolOptions } from './knex-pool.ts'
import { Listener } from './listener.ts'
import { Watch } from './watch.ts'

export interface DatabaseNeeds {
  readonly config: DatabaseConfig
  readonly log: Logger
  readonly clock: Clock
  readonly events: EventBus
  readonly lifecycle: AbortSignal
  readonly server: Pick<ServerFacts, 'dataDir' | 'role' | 'startBudgetMs'>
}

/** What is kept of `startBudgetMs` for the last attempt and for what comes after it. */
const reserveMs = 2_000
/** A Postgres that does not answer is waited for so long at boot; creating the embedded one may take longer. */
const patienceMs = 60_000
const longestPauseMs = 5_000
const closeMs = 3_000

/** The connections of this process, to Postgres or to the embedded PGlite. */
export class DatabaseConnections implements DatabaseService {
  readonly kind: DatabaseService['kind']
  readonly embedded: Embedded
  readonly knex: Knex
  readonly #needs: DatabaseNeeds
  readonly #options: PoolOptions
  readonly #listener: Listener
  #version = ''

  constructor(needs: DatabaseNeeds) {
    const { config, events, clock, log } = needs
    this.#needs = needs
    this.kind = isEmbedded(config) ? 'pglite' : 'postgres'
    this.embedded = new Embedded(needs)
    const prepare = async () => {
      if (this.kind === 'pglite') await this.embedded.ready()
    }
    const watch = new Watch(events, clock, prepare)
    this.#options = { config, directory: this.embedded.directory, watch, log }
    this.knex = makePool(this.#options, 'requests')
    this.#listener = new Listener(this.#options, needs.lifecycle)
  }

  readonly bind = <M extends typeof Model>(model: M): M => model.bindKnex(this.knex) as M

  readonly listen = (channel: string, heard: (payload: string) => void): (() => void) =>
    this.kind === 'pglite' ? () => undefined : this.#listener.listen(channel, heard)

  /** One connection without deadlines, for migrations; the caller destroys it. */
  patient(): Knex {
    return makePool(this.#options, 'migrations')
  }

  /** Until it answers: compose and machines start databases and their users at once. */
  async start(): Promise<void> {
    const { clock, log, server, lifecycle } = this.#needs
    const budget = Math.min(server.startBudgetMs - reserveMs, patienceMs)
    const end = clock.monotonic() + Math.max(budget, 0)
    for (let pause = 100; ; pause = Math.min(pause * 2, longestPauseMs)) {
      try {
        await this.#meet()
        return
      } catch (error) {
        if (isFinal(error)) throw error
        const place = this.describe()
        const { reason, hint, cause } = outageOf(error)
        if (clock.monotonic() + pause > end)
          throw DatabaseErrors.database_unavailable({ cause, hint, detail: `${place}: ${reason}` })
        log.warn({ reason, hint, place }, 'the database cannot be used yet')
      }
      await sleep(pause, undefined, { signal: lifecycle })
    }
  }

  async #meet(): Promise<void> {
    if (this.kind === 'pglite') await this.embedded.ready()
    const { rows } = await this.knex.raw<{ rows: { server_version: string }[] }>(
      'show server_version',
    )
    this.#version = rows[0]?.server_version.split(' ')[0] ?? ''
  }

  async stop(): Promise<void> {
    await this.#listener.stop()
    // Bounded, since a connection that is being opened to a dead server is waited for.
    await Promise.race([this.knex.destroy(), sleep(closeMs, undefined, { ref: false })])
    await this.embedded.stop()
  }

  /** A full pool is no fault of the database: it still serves those who have a connection. */
  async check(): Promise<Health> {
    try {
      await this.knex.raw('select 1')
      return { status: 'pass' }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      const isBusy = isProblem(error) && error.code === 'database_busy'
      return { status: isBusy ? 'warn' : 'fail', detail }
    }
  }

  describe(): string {
    if (this.kind === 'pglite') return `embedded PGlite in ${this.embedded.shownDirectory}`
    return ['PostgreSQL', this.#version, 'at', placeOf(this.#needs.config)]
      .filter(Boolean)
      .join(' ')
  }

  /** How the pool stands, for the meter. */
  pool(): { readonly used: number; readonly free: number; readonly waiting: number; max: number } {
    const { pool } = this.knex.client as { pool: Tarn | undefined }
    if (pool === undefined) return { used: 0, free: 0, waiting: 0, max: 0 }
    const waiting = pool.numPendingAcquires()
    return { used: pool.numUsed(), free: pool.numFree(), waiting, max: pool.max }
  }
}

/** Why it cannot be used, and what to do, for the person who starts the server. */
function outageOf(error: unknown) {
  const cause = isProblem(error) ? error.cause : error
  return { reason: reasonOf(cause ?? error), hint: adviceOn(cause), cause }
}

/** Waiting makes these no better. */
const isFinal = (error: unknown): boolean =>
  isProblem(error) && /^database_(in_use|path_too_long|unopenable)$/.test(error.code)
