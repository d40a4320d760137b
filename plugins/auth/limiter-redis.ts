import type { LimitDecision } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'

import type { Count } from './count.ts'

const connection = 'limits'

/** The counts of all instances, in Redis: one command for each request. Throws when Redis does not answer. */
export class RedisCounter {
  readonly #redis: RedisService
  readonly #limiters = new Map<string, RateLimiterRedis>()

  constructor(redis: RedisService) {
    this.#redis = redis
  }

  get isUp(): boolean {
    return this.#redis.isUp(connection)
  }

  async take({ key, limit, windowMs }: Count): Promise<LimitDecision> {
    const result = await this.#consume(this.#limiterOf(limit, windowMs), key)
    const { consumedPoints, remainingPoints, msBeforeNext } = result
    const allowed = consumedPoints <= limit
    return { allowed, limit, remaining: remainingPoints, resetMs: msBeforeNext, windowMs }
  }

  /** The package rejects with a result, which is no error, when the limit is passed. */
  async #consume(limiter: RateLimiterRedis, key: string): Promise<RateLimiterRes> {
    try {
      return await limiter.consume(key)
    } catch (error) {
      if (error instanceof RateLimiterRes) return error
      throw error
    }
  }

  #limiterOf(points: number, windowMs: number): RateLimiterRedis {
    const id = `${points}/${windowMs}`
    const known = this.#limiters.get(id)
    if (known !== undefined) return known
    const limiter = new RateLimiterRedis({
      storeClient: this.#redis.connection(connection),
      keyPrefix: `${this.#redis.keyPrefix}limit`,
      points,
      duration: Math.ceil(windowMs / 1_000),
    })
    this.#limiters.set(id, limiter)
    return limiter
  }
}
