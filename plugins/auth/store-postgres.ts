import type { DatabaseService } from 'autodocops/plugins/database'

import type { KeyStore, StoredKey } from './store.ts'

/** Reaches for the database on the first call only: `autodocops token` needs none. */
export class PostgresKeyStore implements KeyStore {
  readonly #database: DatabaseService

  constructor(database: DatabaseService) {
    this.#database = database
  }

  async insert(key: StoredKey): Promise<void> {
    await this.#keys().insert(key)
  }

  find(id: string): Promise<StoredKey | undefined> {
    return this.#keys().where({ id }).first()
  }

  list(owner: string, limit: number, before: string | undefined): Promise<readonly StoredKey[]> {
    const living = this.#living(owner).orderBy('id', 'desc').limit(limit)
    return before === undefined ? living : living.andWhere('id', '<', before)
  }

  async count(owner: string): Promise<number> {
    const [row] = await this.#living(owner).count({ count: '*' })
    return Number(row?.count ?? 0)
  }

  async revoke(owner: string, id: string, at: Date): Promise<boolean> {
    return (await this.#living(owner).andWhere({ id }).update({ revokedAt: at })) > 0
  }

  async markUsed(id: string, at: Date): Promise<void> {
    await this.#keys().where({ id }).update({ lastUsedAt: at })
  }

  #living(owner: string) {
    return this.#keys().where({ owner }).whereNull('revokedAt')
  }

  #keys() {
    return this.#database.knex<StoredKey>('auth_keys')
  }
}
