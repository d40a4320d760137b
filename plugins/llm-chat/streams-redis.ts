import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'
import type { Cluster, Redis } from 'ioredis'

import { ChatErrors } from './errors.ts'
import { errorEvent, isTerminal } from './events.ts'
import type { StreamEvent } from './events.ts'
import type { Salvage } from './salvage.ts'
import type { KeptStream, Streams } from './streams.ts'
import { MemoryStreams } from './streams-memory.ts'
import { StreamWriter } from './streams-redis-writer.ts'
import type { StreamKeys } from './streams-redis-writer.ts'

/** Doorbells may get lost: readers also look by themselves. */
const pollMs = 1_000
const readerMs = 6_000
/** Looks that may fail in a row, a second apart. */
const patience = 10
const unavailable = { headers: { 'Retry-After': '1' } }

interface Services {
  readonly redis: RedisService
  readonly salvage: Salvage
  readonly keepMs: number
  readonly liveMs: number
  readonly log: Logger
}

/**
 * Kept in Redis Streams, so that any instance can replay an answer and see that its producer died. Entry ids are
 * the number of the last event in them: a reader asks for all that comes after the last one it has, and a late
 * writer is refused. A Redis that fails takes the resuming away, never the answer.
 */
export class RedisStreams implements Streams {
  readonly #services: Services
  readonly #local: MemoryStreams
  readonly #bells = new Map<string, Set<() => void>>()
  #subscriber: Redis | Cluster | undefined
  #told: (id: string) => void = () => undefined

  constructor(services: Services) {
    this.#services = services
    this.#local = new MemoryStreams({ keepMs: services.keepMs })
  }

  async keep(id: string, owner: string): Promise<KeptStream> {
    const kept = await this.#local.keep(id, owner)
    const writer = new StreamWriter(this.#redis(), this.#keys(id), this.#services, kept.journal)
    await writer.begin(owner, () => this.#local.stopAny(id))
    return {
      ...kept,
      readers: () => kept.readers() + (writer.hasFarReaders ? 1 : 0),
      publish: () => writer.changed(),
      end: async () => {
        await writer.end()
        await kept.end()
      },
    }
  }

  async follow(
    id: string,
    owner: string,
    after: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly StreamEvent[]> | undefined> {
    const here = await this.#local.follow(id, owner, after, signal)
    if (here !== undefined) return here
    return (await this.#isOwner(id, owner)) ? this.#far(id, after, signal) : undefined
  }

  async stop(id: string, owner: string): Promise<boolean> {
    if (await this.#local.stop(id, owner)) return true
    if (!(await this.#isOwner(id, owner))) return false
    const redis = this.#redis()
    // The key is for a producer that does not hear the bell.
    const told = redis.set(this.#keys(id).stop, '1', 'PX', this.#services.keepMs)
    await answered(Promise.all([told, redis.publish(this.#channel, `stop ${id}`)]))
    return true
  }

  async tell(id: string): Promise<boolean> {
    await answered(this.#redis().publish(this.#channel, `stop ${id}`))
    return true
  }

  onTold(stop: (id: string) => void): void {
    this.#told = stop
  }

  async salvage(id: string): Promise<void> {
    await this.#services.salvage.store(id, await this.#read(this.#keys(id).events, 0))
  }

  start(): void {
    const subscriber = this.#services.redis.dedicated('llm-chat')
    this.#subscriber = subscriber
    subscriber.on('message', (_channel: string, message: string) => this.#heard(message))
    subscriber.on('error', () => undefined)
    // It subscribes again by itself after a reconnect.
    subscriber
      .subscribe(this.#channel)
      .catch((error: unknown) =>
        this.#services.log.warn({ err: error }, 'no doorbell: streams of others are polled'),
      )
  }

  async close(): Promise<void> {
    this.#subscriber?.disconnect()
    await this.#local.close()
  }

  get #channel(): string {
    return `${this.#services.redis.keyPrefix}llm:bell`
  }

  #heard(message: string): void {
    const [verb, id = ''] = message.split(' ')
    if (verb === 'stop') {
      this.#local.stopAny(id)
      this.#told(id)
    }
    for (const ring of this.#bells.get(id) ?? []) ring()
  }

  #redis() {
    return this.#services.redis.connection('llm-chat')
  }

  #keys(id: string): StreamKeys {
    const key = `${this.#services.redis.keyPrefix}llm:{${id}}`
    const { keyPrefix } = this.#services.redis
    return {
      id,
      bell: `${keyPrefix}llm:bell`,
      events: `${key}:events`,
      owner: `${key}:owner`,
      alive: `${key}:alive`,
      stop: `${key}:stop`,
      reader: `${key}:reader`,
    }
  }

  async #isOwner(id: string, owner: string): Promise<boolean> {
    return (await answered(this.#redis().get(this.#keys(id).owner))) === owner
  }

  /** Of a stream that another instance produces, or produced. */
  async *#far(
    id: string,
    after: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly StreamEvent[]> {
    const keys = this.#keys(id)
    let seen = after
    let failures = 0
    let absences = 0
    while (!signal.aborted) {
      const rung = this.#bell(id, signal)
      const looked = await this.#look(keys, seen).catch(() => undefined)
      failures = looked === undefined ? failures + 1 : 0
      if (failures > patience) throw ChatErrors.stream_store_unavailable(unavailable)
      const { events, isAlive } = looked ?? { events: [], isAlive: true }
      if (events.length > 0) yield events
      seen = events.at(-1)?.seq ?? seen
      if (events.some(isTerminal)) return
      absences = isAlive || events.length > 0 ? 0 : absences + 1
      // Its reader has seen the end already.
      if (absences > 0 && (await this.#hasEnded(keys.events))) return
      if (absences > 1) {
        await this.salvage(id).catch(() => undefined)
        yield [{ ...errorEvent('producer_lost'), seq: seen + 1 }]
        return
      }
      if (events.length === 0) await rung
    }
  }

  async #look(keys: StreamKeys, after: number) {
    const redis = this.#redis()
    // Asked before the events: what a producer wrote before it died is read all the same.
    const [isAlive] = await Promise.all([
      redis.exists(keys.alive),
      redis.set(keys.reader, '1', 'PX', readerMs),
    ])
    return { events: await this.#read(keys.events, after), isAlive: isAlive === 1 }
  }

  async #hasEnded(key: string): Promise<boolean> {
    const [last] = await answered(this.#redis().xrevrange(key, '+', '-', 'COUNT', 1))
    return last !== undefined && eventsOf(last).some(isTerminal)
  }

  async #read(key: string, after: number): Promise<readonly StreamEvent[]> {
    const entries = await this.#redis().xrange(key, `(${after}-0`, '+')
    return entries.flatMap(eventsOf).filter(({ seq }) => seq > after)
  }

  /** Resolves when the producer rings, after a second, or when the reader leaves. */
  async #bell(id: string, signal: AbortSignal): Promise<void> {
    const rung = new AbortController()
    const ring = () => rung.abort()
    const bells = this.#bells.get(id) ?? new Set()
    this.#bells.set(id, bells.add(ring))
    signal.addEventListener('abort', ring, { once: true })
    await sleep(pollMs, undefined, { signal: rung.signal, ref: false }).catch(() => undefined)
    signal.removeEventListener('abort', ring)
    bells.delete(ring)
    if (bells.size === 0) this.#bells.delete(id)
  }
}

const eventsOf = ([, [, json]]: [string, string[]]): StreamEvent[] =>
  JSON.parse(json ?? '[]') as StreamEvent[]

const answered = <T>(asked: Promise<T>): Promise<T> =>
  asked.catch((cause: unknown) => {
    throw ChatErrors.stream_store_unavailable({ ...unavailable, cause })
  })
