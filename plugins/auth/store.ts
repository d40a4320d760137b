/** An API key at rest: its secret is not here, only the SHA-256 of it. */
export interface StoredKey {
  readonly id: string
  readonly owner: string
  readonly name: string
  readonly hash: string
  /** Separated by spaces, as in a token. */
  readonly scope: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

export interface KeyStore {
  readonly insert: (key: StoredKey) => Promise<void>
  /** A revoked one too. */
  readonly find: (id: string) => Promise<StoredKey | undefined>
  /** Those that are not revoked, newest first, older than the key `before`. */
  readonly list: (
    owner: string,
    limit: number,
    before: string | undefined,
  ) => Promise<readonly StoredKey[]>
  readonly count: (owner: string) => Promise<number>
  /** False: the owner has no such living key. */
  readonly revoke: (owner: string, id: string, at: Date) => Promise<boolean>
  readonly markUsed: (id: string, at: Date) => Promise<void>
}
