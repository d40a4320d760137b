import pg from 'pg'

import { connectionOf } from './connection.ts'
import type { PoolOptions } from './knex-pool.ts'

type Heard = (payload: string) => void

const firstPauseMs = 250
const longestPauseMs = 5_000

/**
 * One connection that listens on all channels that somebody asked for; opened for the first, closed after
 * the last, and opened again with a growing pause when it breaks. What was sent meanwhile is lost: NOTIFY is
 * a speed-up.
 */
export class Listener {
  readonly #options: PoolOptions
  readonly #lifecycle: AbortSignal
  readonly #channels = new Map<string, Set<Heard>>()
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #pauseMs = firstPauseMs

  constructor(options: PoolOptions, lifecycle: AbortSignal) {
    this.#options = options
    this.#lifecycle = lifecycle
  }

  listen(channel: string, heard: Heard): () => void {
    const listeners = this.#channels.get(channel) ?? new Set<Heard>()
    this.#channels.set(channel, listeners.add(heard))
    if (this.#client === undefined) this.#connect()
    else if (listeners.size === 1) void this.#client.query(listenTo(channel)).catch(() => undefined)
    return () => {
      listeners.delete(heard)
      if (listeners.size === 0) this.#channels.delete(channel)
      if (this.#channels.size === 0) void this.stop()
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    // A connection that breaks while it is closed is closed.
    await client?.end().catch(() => undefined)
  }

  #connect(): void {
    if (this.#lifecycle.aborted || this.#channels.size === 0) return
    const { config, directory } = this.#options
    const client = new pg.Client(connectionOf(config, directory, 'listener'))
    this.#client = client
    client.on('notification', ({ channel, payload }) => this.#heard(channel, payload ?? ''))
    client.on('error', () => this.#again(client))
    client.on('end', () => this.#again(client))
    this.#open(client).catch(() => this.#again(client))
  }

  async #open(client: pg.Client): Promise<void> {
    await client.connect()
    for (const channel of this.#channels.keys()) await client.query(listenTo(channel))
    this.#pauseMs = firstPauseMs
  }

  #again(client: pg.Client): void {
    if (this.#client !== client) return
    this.#client = undefined
    void client.end().catch(() => undefined)
    this.#options.log.debug({ pauseMs: this.#pauseMs }, 'the listening connection is opened again')
    this.#timer = setTimeout(() => this.#connect(), this.#pauseMs)
    this.#timer.unref()
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
  }

  #heard(channel: string, payload: string): void {
    for (const heard of this.#channels.get(channel) ?? []) heard(payload)
  }
}

const listenTo = (channel: string): string => `LISTEN ${pg.escapeIdentifier(channel)}`
