import type { KeyStore, StoredKey } from '../../../plugins/auth/store.ts'

/** Keys in this process: the double of the table, held to the same tests. */
export class MemoryKeyStore implements KeyStore {
  readonly #keys = new Map<string, StoredKey>()
  finds = 0

  async insert(key: StoredKey): Promise<void> {
    this.#keys.set(key.id, key)
  }

  async find(id: string): Promise<StoredKey | undefined> {
    this.finds += 1
    return this.#keys.get(id)
  }

  async list(owner: string, limit: number, before: string | undefined): Promise<StoredKey[]> {
    return this.#living(owner)
      .filter(({ id }) => before === undefined || id < before)
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit)
  }

  async count(owner: string): Promise<number> {
    return this.#living(owner).length
  }

  async revoke(owner: string, id: string, at: Date): Promise<boolean> {
    const key = this.#living(owner).find((one) => one.id === id)
    if (key !== undefined) this.#keys.set(id, { ...key, revokedAt: at })
    return key !== undefined
  }

  async markUsed(id: string, at: Date): Promise<void> {
    const key = this.#keys.get(id)
    if (key !== undefined) this.#keys.set(id, { ...key, lastUsedAt: at })
  }

  #living(owner: string): StoredKey[] {
    return [...this.#keys.values()].filter((key) => key.owner === owner && key.revokedAt === null)
  }
}
