import type { Cluster, Redis } from 'ioredis'

import { ChatErrors } from './errors.ts'
import { errorEvent, isTerminal } from './events.ts'
import type { StreamEvent } from './events.ts'
import { aliveMs } from './streams-redis-writer.ts'
import type { StreamKeys } from './streams-redis-writer.ts'

const readerMs = 6_000
/** Without a sign of life and unanswered for so long, its producer is lost: longer than a producer's beat. */
const absentMs = 3_000
/** After an outage: until every producer has announced what it writes. */
export const recoveryMs = 5_000
export const unavailable = { headers: { 'Retry-After': '1' } }

export interface Reading {
  readonly redis: () => Redis | Cluster
  readonly keys: StreamKeys
  readonly signal: AbortSignal
  /** Resolves when the producer rings, after a second, or when the reader leaves. */
  readonly rung: () => Promise<void>
  /** Its producer, if it lives, writes again what is missing. */
  readonly ask: () => Promise<unknown>
  readonly salvage: () => Promise<void>
  /** How long a Redis that does not answer is waited for. */
  readonly outageMs: number
}

/** Of a stream that another instance produces, or produced. */
export async function* readFar(
  { redis, keys, signal, ...reading }: Reading,
  after: number,
): AsyncGenerator<readonly StreamEvent[]> {
  const life = new SignOfLife()
  let seen = after
  /** The first look in vain since its last sign of life: one that helps now and then ends no outage. */
  let awaySince: number | undefined
  while (!signal.aborted) {
    const rung = reading.rung()
    const looked = await look(redis(), keys, seen).catch(() => undefined)
    if (looked === undefined) {
      awaySince ??= performance.now()
      if (performance.now() - awaySince > reading.outageMs)
        throw ChatErrors.stream_store_unavailable(unavailable)
      life.hide()
      await rung
      continue
    }
    const { events, beat, isBroken } = looked
    if (events.length > 0) yield events
    seen = events.at(-1)?.seq ?? seen
    if (events.some(isTerminal)) return
    if (isBroken) throw ChatErrors.stream_store_unavailable(unavailable)
    const goneMs = life.see(beat, events.length > 0)
    if (goneMs === 0) awaySince = undefined
    if (goneMs > 0) {
      const isOver = await hasEnded(redis(), keys.events).catch(() => undefined)
      // Its reader has seen the end already.
      if (isOver === true) return
      if (isOver === false && goneMs > absentMs) {
        await reading.salvage().catch(() => undefined)
        yield [{ ...errorEvent('producer_lost'), seq: seen + 1 }]
        return
      }
      await reading.ask().catch(() => undefined)
    }
    if (events.length === 0) await rung
  }
}

/**
 * How long a producer has given none. The key of its beat ends by the clock of Redis; where that was set back it
 * stands for hours, and only the value in it tells.
 */
class SignOfLife {
  #beat: string | null = null
  #changedAt = performance.now()
  #hiddenAt = Number.NEGATIVE_INFINITY
  #missedAt: number | undefined

  /** Milliseconds without one; 0 while it lives. What it writes is one, too. */
  see(beat: string | null, hasWritten: boolean): number {
    const now = performance.now()
    if (beat !== this.#beat) this.#changedAt = now
    this.#beat = beat
    if (hasWritten || (beat !== null && now - this.#changedAt < aliveMs)) {
      this.#missedAt = undefined
      return 0
    }
    this.#missedAt ??= Math.max(now, this.#hiddenAt + recoveryMs)
    return Math.max(1, now - this.#missedAt)
  }

  /** It could not be seen: a producer may come back to Redis later than its reader. */
  hide(): void {
    this.#hiddenAt = performance.now()
    this.#missedAt = undefined
  }
}

/** Up to where numbers are missing: an answer with a hole must not look like one. */
async function look(redis: Redis | Cluster, keys: StreamKeys, after: number) {
  // Asked before the events: what a producer wrote before it died is read all the same.
  const [beat] = await Promise.all([
    redis.get(keys.alive),
    redis.set(keys.reader, '1', 'PX', readerMs),
  ])
  const all = await readEvents(redis, keys.events, after)
  const events = all.filter(({ seq }, index) => seq === after + index + 1)
  return { beat, events, isBroken: events.length < all.length }
}

async function hasEnded(redis: Redis | Cluster, key: string): Promise<boolean> {
  const [last] = await redis.xrevrange(key, '+', '-', 'COUNT', 1)
  return last !== undefined && eventsOf(last).some(isTerminal)
}

export async function readEvents(
  redis: Redis | Cluster,
  key: string,
  after: number,
): Promise<readonly StreamEvent[]> {
  const entries = await redis.xrange(key, `(${after}-0`, '+')
  return entries.flatMap(eventsOf).filter(({ seq }) => seq > after)
}

const eventsOf = ([, [, json]]: [string, string[]]): StreamEvent[] =>
  JSON.parse(json ?? '[]') as StreamEvent[]

export const answered = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((cause: unknown) => {
    throw ChatErrors.stream_store_unavailable({ ...unavailable, cause })
  })
