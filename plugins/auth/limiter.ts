import type { Clock, LimitDecision, Limiter, LimitRequest, Logger } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'

import type { AuthConfig } from './config.ts'
import type { Count } from './count.ts'
import { networkOf } from './ip-network.ts'
import { MemoryCounter } from './limiter-memory.ts'
import { RedisCounter } from './limiter-redis.ts'

/** After a failure the counts are local for this long, so that a dead Redis delays one request and not all. */
const restMs = 2_000

interface Deps {
  readonly config: AuthConfig
  readonly redis: RedisService | undefined
  readonly clock: Clock
  readonly log: Logger
}

/** Counts requests by subject, or by network when nobody is known; shared through Redis when there is one. */
export class RateLimiter implements Limiter {
  readonly #limits: AuthConfig['limits']
  readonly #memory: MemoryCounter
  readonly #shared: RedisCounter | undefined
  readonly #clock: Clock
  readonly #log: Logger
  #restsUntil = 0

  constructor({ config, redis, clock, log }: Deps) {
    this.#limits = config.limits
    this.#memory = new MemoryCounter(clock)
    this.#shared = redis === undefined ? undefined : new RedisCounter(redis)
    this.#clock = clock
    this.#log = log
  }

  take(request: LimitRequest): LimitDecision | Promise<LimitDecision> {
    const count = this.#countOf(request)
    const shared = this.#shared
    const isShared = shared?.isUp === true && this.#clock.monotonic() >= this.#restsUntil
    return isShared ? this.#takeShared(shared, count) : this.#memory.take(count)
  }

  async #takeShared(shared: RedisCounter, count: Count): Promise<LimitDecision> {
    try {
      return await shared.take(count)
    } catch (err) {
      this.#restsUntil = this.#clock.monotonic() + restMs
      this.#log.warn({ err }, 'rate limits are counted on this instance alone')
      return this.#memory.take(count)
    }
  }

  #countOf({ limit: name, principal, ip }: LimitRequest): Count {
    const known = Object.hasOwn(this.#limits, name)
    const rule = (known ? this.#limits[name] : undefined) ?? this.#limits.default
    const group = known ? name : 'default'
    return principal === undefined
      ? { key: `${group}:ip:${networkOf(ip)}`, limit: rule.anonymous, windowMs: rule.window }
      : { key: `${group}:sub:${principal.subject}`, limit: rule.user, windowMs: rule.window }
  }
}
