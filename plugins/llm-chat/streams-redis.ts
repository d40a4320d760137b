import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'
import type { Cluster, Redis } from 'ioredis'

import { ChatErrors } from './errors.ts'
import type { StreamEvent } from './events.ts'
import type { Salvage } from './salvage.ts'
import type { KeptStream, Streams } from './streams.ts'
import { MemoryStreams } from './streams-memory.ts'
import { answered, readEvents, readFar, recoveryMs, unavailable } from './streams-redis-reader.ts'
import { StreamWriter } from './streams-redis-writer.ts'
import type { StreamKeys } from './streams-redis-writer.ts'

/** Doorbells may get lost: readers also look by themselves. */
const pollMs = 1_000
/** How long a stream that nobody knows is asked for. */
const askMs = 250

interface Services {
  readonly redis: RedisService
  readonly salvage: Salvage
  readonly keepMs: number
  readonly liveMs: number
  /** How long a reader waits for a Redis that does not answer. */
  readonly outageMs: number
  readonly log: Logger
}

/**
 * Kept in Redis Streams, so that any instance can replay an answer and see that its producer died. Entry ids are
 * the number of the last event in them: a reader asks for all that comes after the last one it has, and a late
 * writer is refused. A Redis that fails takes the resuming away, never the answer. What it lost, as a promoted
 * replica may, its producer writes again: by itself while it writes, and when a reader misses it.
 */
export class RedisStreams implements Streams {
  readonly #services: Services
  readonly #local: MemoryStreams
  readonly #writers = new Map<string, StreamWriter>()
  readonly #bells = new Map<string, Set<() => void>>()
  #subscriber: Redis | Cluster | undefined
  #isCut = false
  #recoveredAt = Number.NEGATIVE_INFINITY
  #told: (id: string) => void = () => undefined

  constructor(services: Services) {
    this.#services = services
    this.#local = new MemoryStreams({ keepMs: services.keepMs })
  }

  async keep(id: string, owner: string): Promise<KeptStream> {
    const kept = await this.#local.keep(id, owner)
    const writer = new StreamWriter(this.#redis(), this.#keys(id), this.#services, kept.journal)
    this.#writers.set(id, writer)
    await writer.begin(owner, () => this.#local.stopAny(id))
    return {
      ...kept,
      readers: () => kept.readers() + (writer.hasFarReaders ? 1 : 0),
      publish: () => writer.changed(),
      end: async () => {
        await writer.end()
        await kept.end()
        setTimeout(() => this.#forget(id), this.#services.keepMs).unref()
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
    return (await this.#isFound(id, owner)) ? this.#far(id, after, signal) : undefined
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
    await this.#services.salvage.store(
      id,
      await readEvents(this.#redis(), this.#keys(id).events, 0),
    )
  }

  start(): void {
    const subscriber = this.#services.redis.dedicated('llm-chat')
    this.#subscriber = subscriber
    subscriber.on('message', (_channel: string, message: string) => this.#heard(message))
    subscriber.on('error', () => undefined)
    subscriber.on('close', () => {
      this.#isCut = true
    })
    subscriber.on('ready', () => this.#recovered())
    // It subscribes again by itself after a reconnect.
    subscriber
      .subscribe(this.#channel)
      .catch((error: unknown) =>
        this.#services.log.warn({ err: error }, 'no doorbell: streams of others are polled'),
      )
  }

  async close(): Promise<void> {
    this.#subscriber?.disconnect()
    for (const id of this.#writers.keys()) this.#forget(id)
    await this.#local.close()
  }

  get #channel(): string {
    return `${this.#services.redis.keyPrefix}llm:bell`
  }

  #heard(message: string): void {
    const [verb, id = ''] = message.split(' ')
    if (verb === 'ask') return void this.#writers.get(id)?.again()
    if (verb === 'stop') {
      this.#local.stopAny(id)
      this.#told(id)
    }
    for (const ring of this.#bells.get(id) ?? []) ring()
  }

  /** What was written shortly before may be lost. */
  #recovered(): void {
    if (!this.#isCut) return
    this.#isCut = false
    this.#recoveredAt = performance.now()
    for (const writer of this.#writers.values()) if (!writer.isOver) void writer.again()
  }

  #forget(id: string): void {
    this.#writers.get(id)?.close()
    this.#writers.delete(id)
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
    return (await this.#ownerOf(id)) === owner
  }

  /** Throws 503 where it may be there in a moment. */
  async #isFound(id: string, owner: string): Promise<boolean> {
    const found = (await this.#ownerOf(id)) ?? (await this.#asked(id).then(() => this.#ownerOf(id)))
    const isRecovering = this.#isCut || performance.now() < this.#recoveredAt + recoveryMs
    if (found === null && isRecovering) throw ChatErrors.stream_store_unavailable(unavailable)
    return found === owner
  }

  #ownerOf(id: string): Promise<string | null> {
    return answered(this.#redis().get(this.#keys(id).owner))
  }

  /** Until its producer, if there is one, has written it again. */
  async #asked(id: string): Promise<void> {
    const rung = this.#bell(id, askMs, new AbortController().signal)
    await answered(this.#ask(id))
    await rung
  }

  #ask(id: string): Promise<unknown> {
    return this.#redis().publish(this.#channel, `ask ${id}`)
  }

  #far(id: string, after: number, signal: AbortSignal): AsyncGenerator<readonly StreamEvent[]> {
    const reading = {
      redis: () => this.#redis(),
      keys: this.#keys(id),
      signal,
      rung: () => this.#bell(id, pollMs, signal),
      ask: () => this.#ask(id),
      salvage: () => this.salvage(id),
      outageMs: this.#services.outageMs,
    }
    return readFar(reading, after)
  }

  /** Resolves when the producer rings, after a time, or when the reader leaves. */
  async #bell(id: string, ms: number, signal: AbortSignal): Promise<void> {
    const rung = new AbortController()
    const ring = () => rung.abort()
    const bells = this.#bells.get(id) ?? new Set()
    this.#bells.set(id, bells.add(ring))
    signal.addEventListener('abort', ring, { once: true })
    await sleep(ms, undefined, { signal: rung.signal, ref: false }).catch(() => undefined)
    signal.removeEventListener('abort', ring)
    bells.delete(ring)
    if (bells.size === 0) this.#bells.delete(id)
  }
}
