import type { Clock, EventBus } from 'autodocops'
import type { Cluster, Redis } from 'ioredis'

import type { Availability } from './availability.ts'
import { CacheEvents } from './contract.ts'
import type { Keys } from './keys.ts'
import { isLease, leaseOf } from './keys.ts'
import type { Message } from './message.ts'
import type { Script } from './scripts.ts'
import * as scripts from './scripts.ts'
import type { Servers } from './servers.ts'
import type { Answer, Kept, RemoteStore } from './store.ts'

/** Longer than any entry may live (30 days). */
const tagSeconds = 31 * 86_400
const scanCount = 1_000

type Operation = 'get' | 'set' | 'delete' | 'clear'

export interface Wanted {
  readonly client: Redis | Cluster
  readonly keys: Keys
  readonly servers: Servers
  readonly events: EventBus
  readonly clock: Clock
  /** Our name on the bus. */
  readonly instance: string
}

/** The second tier. Nothing here throws: without an answer the caller goes on alone. */
export class RedisStore implements RemoteStore {
  readonly #to: Wanted
  readonly #client: Redis | Cluster

  constructor(to: Wanted) {
    this.#to = to
    this.#client = to.client
  }

  get isUp(): boolean {
    return this.#to.servers.areUp
  }

  reaches = (key: string): boolean => this.#to.servers.of(key).isUp

  async read(key: string): Promise<Answer<Kept | null>> {
    const askedAt = this.#to.clock.monotonic()
    const answer = await this.#get(key, () => this.#run(scripts.read, [key]))
    return answer && { value: keptOf(answer.value as string | null, askedAt) }
  }

  async acquire(key: string, token: string, ms: number) {
    const askedAt = this.#to.clock.monotonic()
    const answer = await this.#ask('get', this.#to.servers.of(key), () =>
      this.#run(scripts.acquire, pair(key), token, ms),
    )
    if (!answer) return undefined
    const [found, held] = answer.value as [string | null, number]
    return { value: { kept: keptOf(found, askedAt), isHeld: held === 1 } }
  }

  async store(key: string, token: string, text: string, ms: number): Promise<Answer<boolean>> {
    const news = this.#news({ keys: [key] })
    const answer = await this.#ask('set', this.#to.servers.of(key), () =>
      this.#run(scripts.store, pair(key), token, text, ms, ...news),
    )
    return answer && { value: answer.value === 1 }
  }

  release(key: string, token: string): Promise<Answer<unknown>> {
    const news = this.#news({ released: [key] })
    return this.#ask('delete', this.#to.servers.of(key), () =>
      this.#run(scripts.release, [leaseOf(key)], token, ...news),
    )
  }

  write(key: string, text: string, ms: number): Promise<Answer<unknown>> {
    const news = this.#news({ keys: [key] })
    return this.#ask('set', this.#to.servers.of(key), () =>
      this.#run(scripts.write, pair(key), text, ms, ...news),
    )
  }

  remove(key: string): Promise<Answer<unknown>> {
    const news = this.#news({ keys: [key] })
    return this.#ask('delete', this.#to.servers.of(key), () =>
      this.#run(scripts.remove, pair(key), ...news),
    )
  }

  expire(key: string): Promise<Answer<unknown>> {
    const news = this.#news({ keys: [key] })
    return this.#ask('delete', this.#to.servers.of(key), () =>
      this.#run(scripts.expire, pair(key), ...news),
    )
  }

  peekToken(tag: string): Promise<Answer<string | null>> {
    const key = this.#to.keys.tag(tag)
    return this.#get(key, () => this.#client.get(key))
  }

  token(tag: string, fresh: string): Promise<Answer<string>> {
    const key = this.#to.keys.tag(tag)
    return this.#ask('get', this.#to.servers.of(key), () =>
      this.#run(scripts.token, [key], fresh, tagSeconds),
    ) as Promise<Answer<string>>
  }

  turn(tag: string, fresh: string, how: 'hard' | 'soft'): Promise<Answer<string>> {
    const news = this.#news({ tags: [tag] })
    const key = this.#to.keys.tag(tag)
    return this.#ask('delete', this.#to.servers.of(key), () =>
      this.#run(scripts.turn, [key], fresh, tagSeconds, how, ...news),
    ) as Promise<Answer<string>>
  }

  /** What can be swept is, and told; but only all of it is an answer. */
  async clear(namespace: string): Promise<Answer<number>> {
    const sweeps = this.#to.servers
      .all()
      .map(({ node, server }) => this.#ask('clear', server, () => this.#sweep(node, namespace)))
    const answers = await Promise.all(sweeps)
    const isTold = await this.publish({ cleared: [namespace] })
    if (!isTold || answers.includes(undefined)) return undefined
    return { value: answers.reduce((sum, answer) => sum + (answer?.value ?? 0), 0) }
  }

  publish(message: Message): Promise<Answer<unknown>> {
    const { node, server } = this.#to.servers.any()
    return this.#ask(undefined, server, () => node.publish(...this.#news(message)))
  }

  async #sweep(node: Redis | Cluster, namespace: string): Promise<number> {
    const pattern = `${namespace.replace(/[*?[\]\\]/g, String.raw`\$&`)}*`
    let count = 0
    let cursor = '0'
    do {
      const [next, keys] = await (node as Redis).scan(cursor, 'MATCH', pattern, 'COUNT', scanCount)
      // One key a command: keys of several slots in one are an error in a Cluster.
      const gone = await Promise.all(keys.map((key) => this.#client.unlink(key)))
      count += gone.filter((n, index) => n > 0 && !isLease(keys[index] ?? '')).length
      cursor = next
    } while (cursor !== '0')
    return count
  }

  /** A value of another type under our key would answer WRONGTYPE for ever: then it goes. */
  #get<T>(key: string, command: () => Promise<T>): Promise<Answer<T | null>> {
    const mend = async () => {
      this.#to.events.emit(CacheEvents, 'cache:value-rejected', { reason: 'corrupt' })
      await this.#client.unlink(key)
      return null
    }
    return this.#ask<T | null>('get', this.#to.servers.of(key), command, mend)
  }

  async #run(
    script: Script,
    keys: readonly string[],
    ...args: (string | number)[]
  ): Promise<unknown> {
    try {
      return await this.#client.evalsha(script.sha, keys.length, ...keys, ...args)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return this.#client.eval(script.lua, keys.length, ...keys, ...args)
    }
  }

  #news(message: Message): [channel: string, text: string] {
    return [this.#to.keys.channel, JSON.stringify({ from: this.#to.instance, ...message })]
  }

  async #ask<T>(
    operation: Operation | undefined,
    server: Availability,
    command: () => Promise<T>,
    mend?: () => Promise<T>,
  ): Promise<Answer<T>> {
    const { clock } = this.#to
    if (!server.isUp) return this.#tell(operation, 'bypass', undefined)
    const startedAt = clock.monotonic()
    try {
      const value = await command()
      server.succeed()
      const outcome = operation === 'get' ? (isFound(value) ? 'hit' : 'miss') : 'ok'
      this.#tell(operation, outcome, clock.monotonic() - startedAt)
      return { value }
    } catch (error) {
      if (mend && isWrongType(error)) return this.#ask(operation, server, mend)
      server.fail(error)
      return this.#tell(operation, 'error', clock.monotonic() - startedAt)
    }
  }

  #tell(
    operation: Operation | undefined,
    outcome: 'hit' | 'miss' | 'ok' | 'error' | 'bypass',
    durationMs: number | undefined,
  ): undefined {
    if (operation === undefined) return
    const facts = { store: 'redis', operation, outcome, durationMs } as const
    this.#to.events.emit(CacheEvents, 'cache:operation-finished', facts)
  }
}

/** From when it was asked: an answer that is late makes nothing younger. */
function keptOf(found: string | null, askedAt: number): Kept | null {
  if (found === null) return null
  const end = found.indexOf(' ')
  return { text: found.slice(end + 1), until: askedAt + Number(found.slice(0, end)) }
}

const pair = (key: string): readonly string[] => [key, leaseOf(key)]

const isFound = (value: unknown): boolean =>
  Array.isArray(value) ? value[0] !== null : value !== null

const isWrongType = (error: unknown): boolean =>
  error instanceof Error && error.message.startsWith('WRONGTYPE')
