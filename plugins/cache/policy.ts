import { duration } from 'autodocops'

import type { CacheConfig } from './config.ts'
import type { EntryOptions } from './contract.ts'
import { E } from './errors.ts'

/** {@link EntryOptions} with every value given, in milliseconds. */
export interface Policy {
  readonly ttlMs: number
  readonly staleMs: number
  readonly softMs: number
  readonly hardMs: number
  readonly backoffMs: number
  readonly eager: number
  readonly jitter: number
  readonly tags: readonly string[]
}

const maxMs = 30 * 86_400_000
const maxTags = 16
const text = duration()

export const defaultPolicy = (config: CacheConfig): Policy => ({
  ttlMs: config.ttl,
  staleMs: config.stale,
  softMs: config.soft,
  hardMs: config.hard,
  backoffMs: config.backoff,
  eager: config.eager,
  jitter: config.jitter,
  tags: [],
})

/** What the options leave open comes from `base`. Throws `cache_option_invalid`. */
export function policyOf(options: Defined<EntryOptions> | undefined, base: Policy): Policy {
  if (options === undefined) return base
  return {
    ttlMs: timeOf('ttl', options.ttl, base.ttlMs, 1),
    staleMs: timeOf('stale', options.stale, base.staleMs, 0),
    softMs: timeOf('soft', options.soft, base.softMs, 0),
    hardMs: timeOf('hard', options.hard, base.hardMs, 1),
    backoffMs: timeOf('backoff', options.backoff, base.backoffMs, 0),
    eager: shareOf('eager', options.eager, base.eager),
    jitter: shareOf('jitter', options.jitter, base.jitter),
    tags: tagsOf(options.tags ?? base.tags),
  }
}

type Defined<T> = { readonly [K in keyof T]: T[K] | undefined }

export function timeOf(
  option: string,
  value: number | string | undefined,
  otherwise: number,
  least: number,
): number {
  if (value === undefined) return otherwise
  const ms = typeof value === 'number' ? value : text.safeParse(value).data
  // Redis takes a PX of 0 or NaN for an error or for ever, by command: refuse what is no time at all.
  if (ms === undefined || !Number.isSafeInteger(ms) || ms < least || ms > maxMs)
    throw E.cache_option_invalid({ option, value })
  return ms
}

function shareOf(option: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise
  if (!(value >= 0 && value <= 1)) throw E.cache_option_invalid({ option, value })
  return value
}

export function tagsOf(tags: readonly string[]): readonly string[] {
  if (tags.length > maxTags || tags.includes(''))
    throw E.cache_option_invalid({ option: 'tags', value: `${tags.length} tags` })
  return tags
}

/** Until when a value is fresh, and until when it may be served stale. */
export function spanOf(policy: Policy, ttlMs: number, now: number, float: number) {
  const freshUntil = now + Math.max(1, Math.round(ttlMs * (1 - policy.jitter * float)))
  return { freshUntil, staleUntil: freshUntil + policy.staleMs }
}
