import { createHash, timingSafeEqual } from 'node:crypto'

import type { Clock, EventBus, Logger, Principal, Random } from 'autodocops'
import { LRUCache } from 'lru-cache'

import type { AuthConfig } from './config.ts'
import { AuthEvents } from './contract.ts'
import { E } from './errors.ts'
import type { KeyStore, StoredKey } from './store.ts'

/** A revoked key is refused on every instance after this at the latest. */
const believedMs = 5_000
const usedEveryMs = 60_000

interface Deps {
  readonly config: AuthConfig
  /** `undefined`: there is no database. */
  readonly keyStore: KeyStore | undefined
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly log: Logger
}

export interface NewKey {
  readonly name: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
}

interface Known {
  readonly key: StoredKey
  readonly until: number
}

/**
 * Keys for machines: `adk_<id>_<secret>`, 32 random bytes of which only the SHA-256 is kept. The prefix lets
 * secret scanners find them; the id makes a look-up one row.
 */
export class ApiKeys {
  readonly #store: KeyStore | undefined
  readonly #known = new LRUCache<string, Known>({ maxSize: 10_000, sizeCalculation: () => 1 })
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
    this.#store = deps.keyStore
  }

  /** The credential is shown now and never again. */
  async create(owner: Principal, wanted: NewKey): Promise<{ key: StoredKey; credential: string }> {
    const store = this.#require()
    this.#assertMayMint(owner, wanted.scopes)
    const limit = this.#deps.config.keys.maxPerOwner
    if ((await store.count(owner.subject)) >= limit) throw E.api_key_limit({ limit })
    const id = `key_${this.#deps.random.uuid()}`
    const secret = this.#deps.random.bytes(32).toString('base64url')
    const key = this.#rowOf(id, owner.subject, hashOf(secret), wanted)
    await store.insert(key)
    this.#deps.events.emit(AuthEvents, 'auth:key-created', { id })
    return { key, credential: credentialOf(id, secret) }
  }

  list(owner: string, limit: number, before?: string): Promise<readonly StoredKey[]> {
    return this.#require().list(owner, limit, before)
  }

  async revoke(owner: string, id: string): Promise<void> {
    const wasLiving = await this.#require().revoke(owner, id, this.#now())
    if (!wasLiving) throw E.api_key_not_found({ id })
    this.#known.delete(id)
    this.#deps.events.emit(AuthEvents, 'auth:key-revoked', { id })
  }

  /** `undefined`: there is no such key, or no more. */
  async verify(credential: string): Promise<Principal | undefined> {
    const parts = partsOf(credential)
    if (parts === undefined) return undefined
    const key = await this.#find(parts.id)
    if (key === undefined || !isEqual(key.hash, hashOf(parts.secret))) return undefined
    if (key.revokedAt !== null || this.#isOver(key)) return undefined
    return { subject: key.owner, scopes: scopesOf(key), via: 'api-key' }
  }

  async #find(id: string): Promise<StoredKey | undefined> {
    const known = this.#known.get(id)
    const now = this.#deps.clock.monotonic()
    if (known !== undefined && now < known.until) return known.key
    const key = await this.#store?.find(id)
    if (key === undefined) return undefined
    this.#known.set(id, { key, until: now + believedMs })
    this.#markUsed(key)
    return key
  }

  /** Not awaited: when a key was last used is worth no delay, and no failed request. */
  #markUsed({ id, lastUsedAt }: StoredKey): void {
    const now = this.#now()
    // Far ahead of us it was noted by a clock that was wrong.
    if (Math.abs(now.getTime() - (lastUsedAt?.getTime() ?? 0)) < usedEveryMs) return
    void this.#store
      ?.markUsed(id, now)
      .catch((err: unknown) => this.#deps.log.warn({ err }, 'the use of an API key was not noted'))
  }

  #assertMayMint(owner: Principal, scopes: readonly string[]): void {
    // A stolen key that makes keys would survive its own revocation.
    if (owner.via === 'api-key') throw E.api_key_cannot_mint()
    const scope = scopes.find((wanted) => !owner.scopes.includes(wanted))
    if (scope !== undefined) throw E.api_key_scope({ scope })
  }

  #rowOf(id: string, owner: string, hash: string, wanted: NewKey): StoredKey {
    const { name, scopes, expiresAt } = wanted
    const fixed = { createdAt: this.#now(), lastUsedAt: null, revokedAt: null }
    return { id, owner, name, hash, scope: scopes.join(' '), expiresAt, ...fixed }
  }

  #isOver({ expiresAt }: StoredKey): boolean {
    return expiresAt !== null && expiresAt.getTime() <= this.#deps.clock.now()
  }

  #now(): Date {
    return new Date(this.#deps.clock.now())
  }

  #require(): KeyStore {
    if (this.#store === undefined) throw E.api_keys_need_database()
    return this.#store
  }
}

const pattern =
  /^adk_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([\w-]{43})$/

export const isApiKey = (credential: string) => credential.startsWith('adk_')

const credentialOf = (id: string, secret: string) =>
  `adk_${id.slice('key_'.length).replaceAll('-', '')}_${secret}`

function partsOf(credential: string): { id: string; secret: string } | undefined {
  const match = pattern.exec(credential)
  if (match === null) return undefined
  const secret = match[6] ?? ''
  return { id: `key_${match.slice(1, 6).join('-')}`, secret }
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url')

const isEqual = (a: string, b: string) =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

export const scopesOf = ({ scope }: StoredKey): readonly string[] =>
  scope.split(' ').filter((part) => part !== '')
