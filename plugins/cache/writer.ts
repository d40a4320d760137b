import type { Clock, Random } from 'autodocops'

import { encode, leftOf } from './entry.ts'
import type { Failures } from './failures.ts'
import type { Invalidator } from './invalidator.ts'
import type { Policy } from './policy.ts'
import { spanOf } from './policy.ts'
import type { Tags } from './tags.ts'
import type { Tiers } from './tiers.ts'

interface Wanted {
  readonly tags: Tags
  readonly tiers: Tiers
  readonly invalidator: Invalidator
  readonly failures: Failures
  readonly maxValue: number
  readonly clock: Clock
  readonly random: Random
}

/** `set`: a value that its writer knows. */
export class Writer {
  readonly #to: Wanted

  constructor(to: Wanted) {
    this.#to = to
  }

  async write(key: string, json: string, policy: Policy): Promise<void> {
    const { clock, random, tags, tiers, invalidator } = this.#to
    if (json.length > this.#to.maxValue) return this.#refuse(key, json.length)
    const now = clock.monotonic()
    const span = spanOf(policy, policy.ttlMs, now, random.float())
    const entry = { createdAt: now, ...span, tags: await tags.tokens(policy.tags), json }
    const leftMs = leftOf(entry, clock.monotonic())
    await invalidator.write(key, tiers.itemOf(entry), encode(entry), leftMs)
  }

  /** Not kept; and what stood there before is not true any more. */
  async #refuse(key: string, size: number): Promise<void> {
    this.#to.failures.oversize(key, size)
    await this.#to.invalidator.remove(key)
  }
}
