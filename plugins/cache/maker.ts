import type { Clock, EventBus, Random } from 'autodocops'
import { isProblem } from 'autodocops'

import type { Changes } from './changes.ts'
import { CacheEvents } from './contract.ts'
import type { Entry } from './entry.ts'
import { encode, leftOf } from './entry.ts'
import type { Failures } from './failures.ts'
import type { Flight, Outcome } from './flight.ts'
import { standing } from './flight.ts'
import { spanOf } from './policy.ts'
import type { Made } from './source.ts'
import { Source } from './source.ts'
import type { RemoteStore } from './store.ts'
import type { Tags } from './tags.ts'
import type { Tiers } from './tiers.ts'

type Tokens = Readonly<Record<string, string>>

interface Wanted {
  readonly tiers: Tiers
  readonly remote: RemoteStore | undefined
  readonly tags: Tags
  readonly changes: Changes
  readonly failures: Failures
  /** Whether invalidations of other instances are heard. */
  readonly hears: () => boolean
  readonly maxValue: number
  readonly events: EventBus
  readonly clock: Clock
  readonly random: Random
}

/** Calls a factory, and keeps what it made if nobody invalidated it on the way. */
export class Maker {
  readonly #to: Wanted

  constructor(to: Wanted) {
    this.#to = to
  }

  async make(flight: Flight, tokens: Tokens, lease: string | undefined): Promise<Outcome> {
    const { key, namespace, policy, factory } = flight.job
    const { changes, clock } = this.#to
    if (this.#isTouched(flight, Object.keys(flight.stale?.tags ?? {}))) flight.dropStale()
    flight.mark = changes.mark()
    const startedAt = clock.monotonic()
    const source = new Source(key, policy)
    try {
      const made = await source.make(factory, flight.stale?.json)
      this.#tell(namespace, 'ok', startedAt)
      this.#to.failures.end(namespace)
      return await this.#keep(flight, made, tokens, lease, startedAt)
    } catch (error) {
      this.#release(key, lease)
      this.#tell(namespace, source.isLate ? 'timeout' : 'error', startedAt)
      return this.#instead(flight, error)
    }
  }

  async #keep(
    flight: Flight,
    made: Made,
    tokens: Tokens,
    lease: string | undefined,
    createdAt: number,
  ): Promise<Outcome> {
    const { key } = flight.job
    const { json } = made
    const isTooLarge = json !== undefined && json.length > this.#to.maxValue
    if (
      json === undefined ||
      made.isSkipped ||
      isTooLarge ||
      this.#isOvertaken(flight, made, tokens)
    ) {
      this.#release(key, lease)
      if (isTooLarge) this.#rejected(key, json.length)
      return { origin: isTooLarge ? 'oversize' : 'made', json, item: undefined }
    }
    const entry = this.#entry(flight, made, json, await this.#tokensFor(made, tokens), createdAt)
    return this.#store(flight, entry, lease)
  }

  async #store(flight: Flight, entry: Entry, lease: string | undefined): Promise<Outcome> {
    const { key } = flight.job
    const { remote, clock, tiers } = this.#to
    const ms = leftOf(entry, clock.monotonic())
    const answer =
      lease === undefined ? undefined : await remote?.store(key, lease, encode(entry), ms)
    if (answer?.value === false) {
      this.#to.events.emit(CacheEvents, 'cache:value-overtaken', {})
      return { origin: 'made', json: entry.json, item: undefined }
    }
    return standing('made', tiers.keep(key, entry, flight.mark))
  }

  #entry(flight: Flight, made: Made, json: string, tags: Tokens, createdAt: number): Entry {
    const now = this.#to.clock.monotonic()
    const span = spanOf(flight.job.policy, made.ttlMs, now, this.#to.random.float())
    return { createdAt, ...span, tags, json }
  }

  /** A tag that was named on the way has no token from before: then every change of it must have been heard. */
  #isOvertaken(flight: Flight, made: Made, tokens: Tokens): boolean {
    const isUnheard = made.tags.some((tag) => !(tag in tokens)) && !this.#to.hears()
    const isTouched = this.#isTouched(flight, made.tags)
    if (isTouched) this.#to.events.emit(CacheEvents, 'cache:value-overtaken', {})
    return isTouched || isUnheard
  }

  #isTouched({ mark, job }: Flight, tags: readonly string[]): boolean {
    return this.#to.changes.touchedSince(mark, job.key) || this.#to.tags.touchedSince(mark, tags)
  }

  async #tokensFor(made: Made, tokens: Tokens): Promise<Tokens> {
    const late = made.tags.filter((tag) => !(tag in tokens))
    const known = late.length === 0 ? tokens : { ...tokens, ...(await this.#to.tags.tokens(late)) }
    return Object.fromEntries(made.tags.map((tag) => [tag, known[tag] ?? '']))
  }

  /** A stale value instead of a failure; but what the source says on purpose (404, 403) stands. */
  #instead(flight: Flight, error: unknown): Outcome {
    const { stale, job, mark } = flight
    if (!stale || (isProblem(error) && error.status < 500)) throw error
    this.#to.failures.begin(job.namespace, error)
    const item = this.#to.tiers.postpone(job.key, stale, mark, job.policy.backoffMs)
    return standing('stale', item)
  }

  #release(key: string, lease: string | undefined): void {
    // Not awaited: it ends by itself after `hard`, and nobody here needs the answer.
    if (lease !== undefined) void this.#to.remote?.release(key, lease)
  }

  #rejected(key: string, size: number): void {
    this.#to.events.emit(CacheEvents, 'cache:value-rejected', { reason: 'oversize' })
    this.#to.failures.oversize(key, size)
  }

  #tell(namespace: string, outcome: 'ok' | 'error' | 'timeout', startedAt: number): void {
    const durationMs = this.#to.clock.monotonic() - startedAt
    this.#to.events.emit(CacheEvents, 'cache:source-finished', { namespace, outcome, durationMs })
  }
}
