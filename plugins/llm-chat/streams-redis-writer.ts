import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

import type { Journal } from './journal.ts'

/** Appends are gathered for so long: 15 µs a token instead of 65. */
const batchMs = 50
/** The producer's sign of life; without it a stream is lost. */
const aliveMs = 10_000
const beatMs = 2_500
const endTries = 12
const endPauseMs = 250

export interface StreamKeys {
  readonly id: string
  readonly bell: string
  readonly events: string
  readonly owner: string
  readonly alive: string
  readonly stop: string
  readonly reader: string
}

interface Times {
  readonly keepMs: number
  readonly liveMs: number
  readonly log: Logger
}

/**
 * Copies one journal to Redis, in order. Whatever is not there yet is written with the next batch, so that a
 * Redis that comes back gets all of it; what was written and not acknowledged is refused by its number.
 */
export class StreamWriter {
  readonly #redis: Redis | Cluster
  readonly #keys: StreamKeys
  readonly #times: Times
  readonly #journal: Journal
  #owner = ''
  #written = 0
  #timer: NodeJS.Timeout | undefined
  #beat: NodeJS.Timeout | undefined
  #writing: Promise<boolean> = Promise.resolve(true)
  #isFailing = false
  hasFarReaders = false

  constructor(redis: Redis | Cluster, keys: StreamKeys, times: Times, journal: Journal) {
    this.#redis = redis
    this.#keys = keys
    this.#times = times
    this.#journal = journal
  }

  async begin(owner: string, stop: () => void): Promise<void> {
    this.#owner = owner
    await this.#safely(() => this.#announce())
    this.#beat = setInterval(() => void this.#lookAround(stop), beatMs)
    this.#beat.unref()
  }

  changed(): void {
    this.#timer ??= setTimeout(() => void this.#flush(), batchMs)
  }

  /** The last events are worth some tries: without them readers elsewhere would hear of a loss. */
  async end(): Promise<void> {
    for (let tries = 0; tries < endTries && !(await this.#flush()); tries += 1)
      await sleep(endPauseMs)
    clearInterval(this.#beat)
    const { owner, events, alive } = this.#keys
    const { keepMs } = this.#times
    await this.#safely(async () => {
      await Promise.all([
        this.#redis.pexpire(owner, keepMs),
        this.#redis.pexpire(events, keepMs),
        this.#redis.del(alive),
      ])
    })
  }

  #flush(): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#safely(() => this.#write()))
    return this.#writing
  }

  async #write(): Promise<void> {
    if (this.#isFailing) {
      await this.#announce()
      await this.#resync()
    }
    const batch = this.#journal.since(this.#written)
    const last = batch.at(-1)
    if (last === undefined) return
    const { events, bell, id } = this.#keys
    await this.#redis.xadd(events, `${last.seq}-0`, 'e', JSON.stringify(batch))
    this.#written = last.seq
    await this.#redis.pexpire(events, this.#times.liveMs)
    await this.#redis.publish(bell, `more ${id}`)
  }

  /** After a failure it is not known whether the last batch arrived. */
  async #resync(): Promise<void> {
    const [top] = await this.#redis.xrevrange(this.#keys.events, '+', '-', 'COUNT', 1)
    this.#written = Number(top?.[0].split('-')[0] ?? 0)
  }

  /** Again and again: a Redis that was empty or away at the beginning has it now. */
  async #announce(): Promise<void> {
    await Promise.all([
      this.#redis.set(this.#keys.owner, this.#owner, 'PX', this.#times.liveMs),
      this.#redis.set(this.#keys.alive, '1', 'PX', aliveMs),
    ])
  }

  async #lookAround(stop: () => void): Promise<void> {
    await this.#safely(async () => {
      const [, isStopped, isRead] = await Promise.all([
        this.#announce(),
        this.#redis.exists(this.#keys.stop),
        this.#redis.exists(this.#keys.reader),
      ])
      this.hasFarReaders = isRead === 1
      if (isStopped === 1) stop()
    })
    if (this.#isFailing) this.changed()
  }

  async #safely(write: () => Promise<void>): Promise<boolean> {
    try {
      await write()
      this.#isFailing = false
      return true
    } catch (error) {
      const { id } = this.#keys
      if (!this.#isFailing)
        this.#times.log.warn({ err: error, id }, 'this answer cannot be resumed elsewhere for now')
      this.#isFailing = true
      return false
    }
  }
}
