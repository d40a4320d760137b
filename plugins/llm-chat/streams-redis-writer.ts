import { setTimeout as sleep } from 'node:timers/promises'

import type { Logger } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

import type { Journal } from './journal.ts'

/** Appends are gathered for so long: 15 µs a token instead of 65. */
const batchMs = 50
/** Far readers that no beat found twice in a row have left. */
const beatsToLeave = 2
/** The producer's sign of life; without it a stream is lost. */
export const aliveMs = 8_000
const beatMs = 2_500
const endTries = 12
const endPauseMs = 250
/** Others write the same stream only as what was sent before and arrives late. */
const appendTries = 3

/**
 * Stream; the number that it ends with as far as its writer knows, the next last number ('' for none), events, time
 * to live. Appends only there, and answers where it ends: less than was acknowledged when a promoted replica had not
 * got all of it, more when a command arrived that was given up. So there is never a hole, and nothing twice.
 */
const append = `
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local top = last and string.match(last[1], '^%d+') or '0'
if ARGV[2] ~= '' and top == ARGV[1] then
  redis.call('XADD', KEYS[1], ARGV[2] .. '-0', 'e', ARGV[3])
  top = ARGV[2]
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return tonumber(top)`

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
 * Copies one journal to Redis, in order. Whatever is not there is written with the next batch, so that a Redis that
 * comes back gets all of it, whatever it has lost: live → over (its producer is through) → settled (all of it is
 * there). A settled one writes again when it is asked to.
 */
export class StreamWriter {
  readonly #redis: Redis | Cluster
  readonly #keys: StreamKeys
  readonly #times: Times
  readonly #journal: Journal
  #owner = ''
  #written = 0
  #beats = 0
  #beatsUnread = beatsToLeave
  #timer: NodeJS.Timeout | undefined
  #beat: NodeJS.Timeout | undefined
  #writing: Promise<boolean> = Promise.resolve(true)
  #isFailing = false
  /** Its producer is through. */
  isOver = false
  #isSettled = false

  constructor(redis: Redis | Cluster, keys: StreamKeys, times: Times, journal: Journal) {
    this.#redis = redis
    this.#keys = keys
    this.#times = times
    this.#journal = journal
  }

  get hasFarReaders(): boolean {
    return this.#beatsUnread < beatsToLeave
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

  /** Somebody misses it: whatever Redis has lost of it is written again. */
  async again(): Promise<void> {
    await this.#safely(() => this.#announce())
    await this.#flush()
  }

  /** The last events are worth some tries at once; what fails then is tried with each beat. */
  async end(): Promise<void> {
    this.isOver = true
    for (let tries = 0; tries < endTries; tries += 1) {
      if (await this.#flush()) return this.#settle()
      await sleep(endPauseMs)
    }
  }

  close(): void {
    clearInterval(this.#beat)
    clearTimeout(this.#timer)
  }

  #flush(): Promise<boolean> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#safely(() => this.#write()))
    return this.#writing
  }

  async #write(): Promise<void> {
    if (this.#isFailing) await this.#announce()
    for (let tries = 0; tries < appendTries; tries += 1) {
      const batch = this.#journal.since(this.#written)
      const top = await this.#append(batch.at(-1)?.seq, JSON.stringify(batch))
      const isThere = top === (batch.at(-1)?.seq ?? this.#written)
      this.#written = top
      if (isThere) break
    }
    await this.#redis.publish(this.#keys.bell, `more ${this.#keys.id}`)
  }

  async #append(last: number | undefined, events: string): Promise<number> {
    const args = [this.#written, last ?? '', events, this.#ttlMs]
    return Number(await this.#redis.eval(append, 1, this.#keys.events, ...args))
  }

  /** Again and again: a Redis that was empty or away at the beginning has it now. */
  async #announce(): Promise<void> {
    const { owner, alive } = this.#keys
    await Promise.all([
      this.#redis.set(owner, this.#owner, 'PX', this.#ttlMs),
      // Another value each time: a reader sees the life in it also where the key does not end in time.
      this.#isSettled || this.#redis.set(alive, (this.#beats += 1), 'PX', aliveMs),
    ])
  }

  get #ttlMs(): number {
    return this.#isSettled ? this.#times.keepMs : this.#times.liveMs
  }

  async #lookAround(stop: () => void): Promise<void> {
    // Thousands may wait for a Redis that is away.
    if (this.isOver && this.#redis.status !== 'ready') return
    await this.#safely(async () => {
      const [, isStopped, isRead] = await Promise.all([
        this.#announce(),
        this.#redis.exists(this.#keys.stop),
        // Taken away: a key that ends by the clock of Redis may stand for hours.
        this.#redis.del(this.#keys.reader),
      ])
      this.#beatsUnread = isRead === 1 ? 0 : this.#beatsUnread + 1
      if (isStopped === 1) stop()
    })
    if (this.isOver) return (await this.#flush()) ? this.#settle() : undefined
    if (this.#isFailing) this.changed()
  }

  async #settle(): Promise<void> {
    clearInterval(this.#beat)
    this.#isSettled = true
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
