/** Hits without HTTP, in interleaved rounds: in memory, and in Redis with 32 in flight. */
import { randomBytes, randomUUID } from 'node:crypto'
import process from 'node:process'

import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'

import { Events } from '../core/events.ts'
import type { Logger } from '../core/log.ts'
import { config as cacheConfig } from '../plugins/cache/config.ts'
import { TieredCache } from '../plugins/cache/service.ts'
import { config as redisConfig } from '../plugins/redis/config.ts'
import { Connections } from '../plugins/redis/service.ts'

export interface Contender {
  readonly name: string
  readonly read: (key: string) => unknown
  readonly stop: () => unknown
}

const keys = Array.from({ length: 1_000 }, (_, i) => `project-${i}`)
/** About 200 bytes of JSON, as a project has. */
const valueOf = (key: string) => ({
  id: 1_000,
  name: `The project ${key}`,
  description: 'What it is for, in a sentence that is neither short nor long.',
  visibility: 'public',
  createdAt: '2026-01-01T00:00:00.000Z',
})
const never = (): never => {
  throw new Error('not a hit')
}

const log: Logger = {
  debug() {},
  info() {},
  warn: console.warn,
  error: console.error,
  child: () => log,
}
const clock = { now: Date.now, monotonic: () => performance.now() }
const random = { float: Math.random, bytes: randomBytes, uuid: randomUUID }

export function openOurs(manifest: object, url?: string) {
  const events = new Events((error) => console.error(error)).scoped(new AbortController().signal)
  const own = { log, events, clock, random }
  const redis =
    url === undefined
      ? undefined
      : new Connections({ ...own, config: redisConfig.parse({ url, commandTimeout: '5s' }) })
  const cache = new TieredCache({ ...own, redis, config: cacheConfig.parse(manifest) })
  cache.start()
  return { cache, redis, stop: () => (cache.stop(), redis?.close()) }
}

export async function inMemory(): Promise<readonly Contender[]> {
  const lru = new LRUCache<string, string>({ max: 10_000 })
  const { cache, stop } = openOurs({})
  const space = cache.namespace('projects', { ttl: '1h', tags: ['projects'] })
  const bento = new BentoCache({
    default: 'memory',
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 })) },
  })
  for (const key of keys) {
    lru.set(key, JSON.stringify(valueOf(key)))
    await space.set(key, valueOf(key))
    await bento.set({ key, value: valueOf(key), ttl: '1h' })
  }
  return [
    {
      name: 'JSON.parse(lru.get(key))',
      read: (key) => JSON.parse(lru.get(key) ?? ''),
      stop: () => {},
    },
    { name: 'ours', read: (key) => space.getOrSet(key, never), stop },
    {
      name: 'bentocache',
      read: (key) => bento.getOrSet({ key, factory: never }),
      stop: () => bento.disconnectAll(),
    },
  ]
}

/** All go to Redis for every read: memory is too small, or there is none. */
export async function inRedis(url: string): Promise<readonly Contender[]> {
  const { cache, redis, stop } = openOurs({ memory: '1B' }, url)
  const space = cache.namespace('projects', { ttl: '1h' })
  while (!redis?.isUp('cache')) await new Promise((resolve) => setTimeout(resolve, 10))
  const client = new Redis(url)
  const connection = new Redis(url)
  const bento = new BentoCache({
    default: 'redis',
    stores: { redis: bentostore().useL2Layer(redisDriver({ connection: connection as never })) },
  })
  for (const key of keys) {
    await client.set(key, JSON.stringify(valueOf(key)))
    await space.set(key, valueOf(key))
    await bento.set({ key, value: valueOf(key), ttl: '1h' })
  }
  return [
    {
      name: 'JSON.parse(ioredis GET)',
      read: async (key) => JSON.parse((await client.get(key)) ?? ''),
      stop: () => client.disconnect(),
    },
    { name: 'ours', read: (key) => space.getOrSet(key, never), stop },
    {
      name: 'bentocache',
      read: (key) => bento.getOrSet({ key, factory: never }),
      stop: () => bento.disconnectAll(),
    },
  ]
}

/** Microseconds of CPU per read, one for each round: on a shared machine reads per second tell of the neighbours. */
export async function race(
  contenders: readonly Contender[],
  { rounds, reads, inFlight }: { rounds: number; reads: number; inFlight: number },
): Promise<ReadonlyMap<string, readonly number[]>> {
  const results = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (const one of contenders) await run(one, reads, inFlight)
  for (let round = 0; round < rounds; round++)
    for (const one of round % 2 === 0 ? contenders : contenders.toReversed()) {
      const before = process.cpuUsage()
      await run(one, reads, inFlight)
      const { user, system } = process.cpuUsage(before)
      results.get(one.name)?.push((user + system) / reads)
    }
  for (const one of contenders) await one.stop()
  return results
}

async function run({ read }: Contender, reads: number, inFlight: number): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < reads) {
      const value = read(keys[next++ % keys.length] ?? '')
      if (value instanceof Promise) await value
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}
