import type { Logger, MigrationState, Migrator } from 'autodocops'
import type { Knex } from 'knex'

import type { DatabaseConfig } from './config.ts'
import { DatabaseErrors } from './errors.ts'
import { reasonOf } from './faults.ts'
import { migrationsIn } from './migrations.ts'
import type { Migration } from './migrations.ts'
import type { DatabaseConnections } from './service.ts'

/** 'adocmigr' as a number: one lock for all plugins and all processes of one database. */
const lockKey = '7017566264'

/**
 * Runs the migrations of every plugin, each in one transaction together with the note that it ran: it has
 * happened whole or not at all. Not knex's Migrator: that keeps its lock in a table, where a killed process
 * leaves it behind, and wants a way down for everything.
 */
export class MigrationRunner implements Migrator {
  readonly #connections: DatabaseConnections
  readonly #config: DatabaseConfig
  readonly #log: Logger
  readonly #pending = new Map<string, number>()

  constructor(needs: { connections: DatabaseConnections; config: DatabaseConfig; log: Logger }) {
    this.#connections = needs.connections
    this.#config = needs.config
    this.#log = needs.log
  }

  /** How many are pending, over all plugins that asked. */
  get pending(): number {
    return [...this.#pending.values()].reduce((sum, count) => sum + count, 0)
  }

  readonly state = async (plugin: string, directory: URL): Promise<MigrationState> => {
    const { knex } = this.#connections
    const isNew = !(await knex.schema.hasTable(tableOf(plugin)))
    const applied = isNew ? [] : await appliedIn(knex, plugin)
    const known = (await migrationsIn(directory)).map(({ name }) => name)
    const unknown = applied.filter((name) => !known.includes(name))
    if (unknown.length > 0) throw DatabaseErrors.schema_newer({ plugin, names: unknown })
    const pending = known.filter((name) => !applied.includes(name))
    this.#pending.set(plugin, pending.length)
    return { applied, pending, isNew }
  }

  readonly up = async (plugin: string, directory: URL): Promise<readonly string[]> => {
    const { pending } = await this.state(plugin, directory)
    if (pending.length === 0) return []
    if (this.#config.migrate === 'auto') return this.apply(plugin, directory)
    throw DatabaseErrors.migration_refused({ plugin, names: pending })
  }

  /** What the verb `migrate up` asks for: also under `migrate: never`. */
  async apply(plugin: string, directory: URL): Promise<readonly string[]> {
    const migrations = await migrationsIn(directory)
    try {
      return await this.#alone((knex) => this.#applyAll(knex, plugin, migrations))
    } finally {
      // Counted anew for the gauge. When it fails too, the first failure is the one to tell.
      await this.state(plugin, directory).catch(() => undefined)
    }
  }

  /**
   * On a connection of its own, without a deadline. On Postgres it holds an advisory lock, so that
   * instances which boot at once wait for each other; a killed one lets go of it. On PGlite the folder is
   * locked, and a transaction has the one session to itself.
   */
  async #alone<T>(work: (knex: Knex) => Promise<T>): Promise<T> {
    const knex = this.#connections.patient()
    try {
      if (this.#connections.kind === 'postgres') {
        await knex.raw(`select pg_advisory_lock(${lockKey})`)
      }
      return await work(knex)
    } finally {
      await knex.destroy()
    }
  }

  async #applyAll(knex: Knex, plugin: string, migrations: readonly Migration[]) {
    await knex.raw(
      `create table if not exists "${tableOf(plugin)}" (
         name text primary key,
         applied_at timestamptz not null default now()
       )`,
    )
    const applied: string[] = []
    for (const migration of migrations) {
      if (await this.#apply(knex, plugin, migration)) applied.push(migration.name)
    }
    return applied
  }

  /** The note comes first: whoever else is at the same migration waits on it, and then finds it done. */
  async #apply(knex: Knex, plugin: string, { name, up }: Migration): Promise<boolean> {
    try {
      return await knex.transaction(async (trx) => {
        const noted = await trx(tableOf(plugin))
          .insert({ name })
          .onConflict()
          .ignore()
          .returning('name')
        if (noted.length === 0) return false
        this.#log.info({ migration: `${plugin}/${name}` }, 'migrating')
        await up(trx)
        return true
      })
    } catch (error) {
      const reason = reasonOf(error)
      throw DatabaseErrors.migration_failed({ plugin, name, reason }, { cause: error })
    }
  }
}

/** `<plugin_id>_migrations` */
export const tableOf = (plugin: string): string => `${plugin.replaceAll('-', '_')}_migrations`

const appliedIn = async (knex: Knex, plugin: string): Promise<readonly string[]> =>
  knex(tableOf(plugin)).orderBy('name').pluck<string[]>('name')
