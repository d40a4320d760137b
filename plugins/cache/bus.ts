import type { Clock } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'
import type { Redis } from 'ioredis'

import type { Received } from './message.ts'
import { parseMessage } from './message.ts'

const beatMs = 1_000
const mostSilentBeats = 3

export interface Heard {
  /** Subscribed, again or for the first time: whatever this process holds may have missed a message. */
  readonly subscribed: () => void | Promise<void>
  readonly message: (message: Received) => void
}

interface Wanted {
  readonly redis: RedisService
  readonly channel: string
  readonly clock: Clock
  /** Our own name: what we did ourselves is no news. */
  readonly instance: string
  /** Says something on the channel, so that silence means a dead line. */
  readonly beat: () => void
}

/**
 * Messages of the other instances. `down` → (subscribed) `up` → (closed, or silent for four beats) `down`.
 * While it is up nothing is missed: TCP keeps the order, and Redis closes a subscriber that it cannot feed.
 */
export class Bus {
  readonly #to: Wanted
  #subscriber: Redis | undefined
  #timer: NodeJS.Timeout | undefined
  #isUp = false
  #isSubscribing = false
  #downSince = Number.NEGATIVE_INFINITY
  #silentBeats = 0

  constructor(to: Wanted) {
    this.#to = to
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Monotonic; meaningful while it is down. */
  get downSince(): number {
    return this.#downSince
  }

  start(heard: Heard): void {
    const subscriber = this.#to.redis.subscriber('cache')
    this.#subscriber = subscriber
    subscriber.on('ready', () => void this.#subscribe(subscriber, heard))
    subscriber.on('close', () => this.#down())
    subscriber.on('message', (_channel, text) => this.#hear(text, heard))
    this.#timer = setInterval(() => this.#watch(subscriber, heard), beatMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#subscriber?.disconnect()
    this.#isUp = false
  }

  async #subscribe(subscriber: Redis, heard: Heard): Promise<void> {
    this.#isSubscribing = true
    try {
      await subscriber.subscribe(this.#to.channel)
      await heard.subscribed()
      this.#silentBeats = 0
      this.#isUp = subscriber.status === 'ready'
    } catch {
      // It closed meanwhile, or may not subscribe: the next `ready` or beat tries again.
      this.#down()
    } finally {
      this.#isSubscribing = false
    }
  }

  #hear(text: string, heard: Heard): void {
    this.#silentBeats = 0
    const message = parseMessage(text)
    if (message && message.from !== this.#to.instance) heard.message(message)
  }

  #down(): void {
    if (!this.#isUp) return
    this.#isUp = false
    this.#downSince = this.#to.clock.monotonic()
  }

  /**
   * A line that was cut without a word (a NAT, a black hole) closes nothing: listen for our own beat. Beats are
   * counted, since by a clock the line of a process that stood still would seem dead.
   */
  #watch(subscriber: Redis, heard: Heard): void {
    this.#to.beat()
    if (!this.#isUp) return this.#retry(subscriber, heard)
    if (this.#silentBeats++ < mostSilentBeats) return
    this.#down()
    subscriber.disconnect(true)
  }

  #retry(subscriber: Redis, heard: Heard): void {
    if (this.#isSubscribing || subscriber.status !== 'ready') return
    void this.#subscribe(subscriber, heard)
  }
}
