import { createHash } from 'node:crypto'

import type { Clock } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'
import koaRedis from 'koa-redis'

import type { SessionStore, Swap } from './store.ts'

/** Compare and swap on one key: it holds on a Cluster too. */
const swapScript = `
local found = redis.call('GET', KEYS[1])
if not found then return 'gone' end
if found ~= ARGV[1] then return {found} end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 'swapped'`

interface Deps {
  readonly redis: RedisService
  readonly clock: Clock
  /** No session lives longer, so no list must. */
  readonly absoluteMs: number
}

/**
 * Sessions of all instances: koa-redis reads and creates them, on our own connection. What it lacks is done
 * beside it: a write that another one cannot overwrite unseen, a list of a subject's sessions.
 */
export class RedisSessionStore implements SessionStore {
  readonly kind = 'redis'
  readonly #redis: RedisService
  readonly #clock: Clock
  readonly #absoluteMs: number
  readonly #koaRedis: ReturnType<typeof koaRedis>

  constructor({ redis, clock, absoluteMs }: Deps) {
    this.#redis = redis
    this.#clock = clock
    this.#absoluteMs = absoluteMs
    this.#koaRedis = koaRedis({
      client: {
        get: (key) => this.#client.get(key),
        setex: (key, seconds, value) => this.#client.setex(key, seconds, value),
        // It would add seven listeners to a connection that outlives this instance, and never take them away.
        on: () => undefined,
      },
      serialize: (raw) => raw,
      unserialize: (raw) => raw,
    })
  }

  async read(handle: string): Promise<string | undefined> {
    try {
      return (await this.#koaRedis.get(this.#key(handle))) ?? undefined
    } catch (error) {
      if (!isWrongType(error)) throw error
      await this.destroy(handle)
      return undefined
    }
  }

  create(handle: string, raw: string, ttlMs: number): Promise<void> {
    return this.#koaRedis.set(this.#key(handle), raw, ttlMs)
  }

  async swap(handle: string, seen: string, raw: string, ttlMs: number): Promise<Swap> {
    const ttl = Math.max(1, Math.ceil(ttlMs))
    const result = await this.#client.eval(swapScript, 1, this.#key(handle), seen, raw, ttl)
    if (Array.isArray(result)) return { found: String(result[0]) }
    return result === 'swapped' ? 'swapped' : 'gone'
  }

  async destroy(handle: string): Promise<boolean> {
    return (await this.#client.unlink(this.#key(handle))) > 0
  }

  async enlist(subject: string, handle: string, expiresAt: number): Promise<void> {
    const list = this.#listKey(subject)
    const now = String(this.#clock.now())
    // Each list forgets what is over, and ends with its last session.
    await Promise.all(
      [list, this.#allKey].flatMap((key) => [
        this.#client.zadd(key, expiresAt, handle),
        this.#client.zremrangebyscore(key, '-inf', now),
        this.#client.pexpire(key, this.#absoluteMs),
      ]),
    )
  }

  async delist(subject: string, handle: string): Promise<void> {
    await Promise.all([
      this.#client.zrem(this.#listKey(subject), handle),
      this.#client.zrem(this.#allKey, handle),
    ])
  }

  async handlesOf(subject: string): Promise<readonly string[]> {
    const list = this.#listKey(subject)
    const [, handles] = await Promise.all([
      this.#client.zremrangebyscore(list, '-inf', String(this.#clock.now())),
      this.#client.zrange(list, '0', '-1'),
    ])
    return handles
  }

  async count(): Promise<number> {
    await this.#client.zremrangebyscore(this.#allKey, '-inf', String(this.#clock.now()))
    return this.#client.zcard(this.#allKey)
  }

  get #client() {
    return this.#redis.connection('sessions')
  }

  get #allKey(): string {
    return `${this.#redis.keyPrefix}sessions:all`
  }

  #key(handle: string): string {
    return `${this.#redis.keyPrefix}sessions:${handle}`
  }

  #listKey(subject: string): string {
    const digest = createHash('sha256').update(subject).digest('base64url')
    return `${this.#redis.keyPrefix}sessions:of:${digest}`
  }
}

const isWrongType = (error: unknown) =>
  error instanceof Error && error.message.startsWith('WRONGTYPE')
