import { createHash } from 'node:crypto'

import type { Clock, Logger } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'

import { leaseMs, windowMs } from './admission.ts'
import type { Admission, Admitted, Lease, RateLimits } from './admission.ts'
import { MemoryAdmission } from './admission-memory.ts'

/** Redis's own clock, so that instances whose clocks differ agree. */
const now = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`

/**
 * What ends later than it could was written before that clock was set back, or by a master whose clock was
 * ahead: it ends as if it had begun now.
 */
const take = `${now}
local window, lease = tonumber(ARGV[6]), tonumber(ARGV[7])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now + lease, '+inf')) do
  redis.call('ZADD', KEYS[1], now + lease, id)
end
local left = redis.call('PTTL', KEYS[2])
if left > window then redis.call('PEXPIRE', KEYS[2], window) end
if left < 0 or left > window then left = window end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return {1, 1000, 0} end
local requests = tonumber(redis.call('HGET', KEYS[2], 'requests') or 0)
if requests + 1 > tonumber(ARGV[4]) then return {2, left, 0} end
local tokens = tonumber(redis.call('HGET', KEYS[2], 'tokens') or 0)
if tokens + ARGV[2] > tonumber(ARGV[5]) then return {3, left, 0} end
redis.call('HINCRBY', KEYS[2], 'requests', 1)
redis.call('HINCRBY', KEYS[2], 'tokens', ARGV[2])
redis.call('PEXPIRE', KEYS[2], left)
redis.call('ZADD', KEYS[1], now + lease, ARGV[1])
redis.call('PEXPIRE', KEYS[1], lease)
return {0, left, requests + 1, tokens + ARGV[2]}`

const renew = `${now}
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`

const settle = `
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
local tokens = redis.call('HGET', KEYS[2], 'tokens')
if tokens then redis.call('HSET', KEYS[2], 'tokens', math.max(0, tokens + ARGV[2])) end
return 1`

const limitNames = ['concurrent', 'requests', 'tokens'] as const

const unlimited: RateLimits = {
  concurrent: Number.POSITIVE_INFINITY,
  requestsPerMinute: Number.POSITIVE_INFINITY,
  tokensPerMinute: Number.POSITIVE_INFINITY,
}

interface Services {
  readonly redis: RedisService
  readonly clock: Clock
  readonly log: Logger
}

/**
 * For all instances. Each counts what it lets in by itself too: while Redis is down that is all there is, and
 * where Redis has forgotten leases, or its clock was set forward over them, none gives more slots than there are.
 */
export class RedisAdmission implements Admission {
  readonly #redis: RedisService
  readonly #log: Logger
  readonly #own: MemoryAdmission
  #isAlone = false

  constructor({ redis, clock, log }: Services) {
    this.#redis = redis
    this.#log = log
    this.#own = new MemoryAdmission({ clock })
  }

  async take(lease: Lease, limits: RateLimits): Promise<Admitted> {
    const { concurrent, requestsPerMinute, tokensPerMinute } = limits
    if (this.#own.isFull(lease.owner, concurrent))
      return { ok: false, limit: 'concurrent', retryAfterMs: 1_000 }
    const args = [concurrent, requestsPerMinute, tokensPerMinute, windowMs, leaseMs]
    const answer = await this.#run(take, lease, [lease.id, lease.tokens, ...args])
    if (answer === undefined) return this.#own.take(lease, limits)
    const [code = 0, ms = 0, requests = 0, tokens = 0] = answer
    const limit = limitNames[code - 1]
    if (limit !== undefined) return { ok: false, limit, retryAfterMs: ms }
    await this.#own.take(lease, unlimited)
    return {
      ok: true,
      remainingRequests: requestsPerMinute - requests,
      remainingTokens: tokensPerMinute - tokens,
      resetMs: ms,
    }
  }

  async renew(leases: readonly Lease[]): Promise<void> {
    await this.#own.renew(leases)
    await Promise.all(leases.map((lease) => this.#run(renew, lease, [lease.id, leaseMs])))
  }

  async settle(lease: Lease, actualTokens: number): Promise<void> {
    await this.#own.settle(lease, actualTokens)
    await this.#run(settle, lease, [lease.id, actualTokens - lease.tokens])
  }

  async #run(
    script: string,
    { owner }: Lease,
    args: readonly (string | number)[],
  ): Promise<readonly number[] | undefined> {
    // One slot of a cluster for each user; the hash keeps the user's name out of the keys.
    const user = createHash('sha256').update(owner).digest('base64url').slice(0, 22)
    const key = `${this.#redis.keyPrefix}llm:{${user}}`
    try {
      const answer = await this.#redis
        .connection('llm-chat')
        .eval(script, 2, `${key}:leases`, `${key}:minute`, ...args)
      this.#isAlone = false
      return Array.isArray(answer) ? answer.map(Number) : [Number(answer)]
    } catch (error) {
      if (!this.#isAlone) this.#log.warn({ err: error }, 'chat limits are counted by this instance')
      this.#isAlone = true
      return undefined
    }
  }
}
