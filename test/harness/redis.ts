import { randomBytes } from 'node:crypto'
import process from 'node:process'

import { Redis } from 'ioredis'

import { atEnd } from './ending.ts'
import { once } from './once.ts'
import type { RedisCluster } from './redis-cluster.ts'
import { startCluster } from './redis-cluster.ts'
import type { Environment, Options } from './redis-server.ts'
import { RedisServer } from './redis-server.ts'
import { skip } from './skip.ts'

export type { OnlyTls, RedisCluster, RedisNode } from './redis-cluster.ts'
export { RedisServer } from './redis-server.ts'

const bring = 'apt-get install redis-server, or TEST_REDIS_URL=redis://…'

const givenUrl = process.env['TEST_REDIS_URL']

const own = once(async () => {
  const server = await RedisServer.start()
  if (!server) skip('a Redis', bring)
  atEnd(() => server.stop())
  return server.url
})

async function forget(url: string, prefix: string): Promise<void> {
  const client = new Redis(url)
  for await (const keys of client.scanStream({ match: `${prefix}*`, count: 500 }))
    if (keys.length > 0) await client.unlink(...keys)
  client.disconnect()
}

/** A real Redis and a key prefix of this file's own; its keys are deleted when its tests are through. */
export async function redis(): Promise<{ readonly url: string; readonly prefix: string }> {
  const url = givenUrl || (await own())
  const prefix = `test:${randomBytes(6).toString('hex')}:`
  if (givenUrl) atEnd(() => forget(url, prefix))
  return { url, prefix }
}

/** A Redis that nobody else uses: kill it, hang it, restart it on the same port. */
export async function privateRedis(
  options: Options = [],
  env: Environment = {},
): Promise<RedisServer> {
  const server = await RedisServer.start(options, 0, env)
  if (!server) skip('a redis-server program', bring)
  atEnd(() => server.stop())
  return server
}

/** A Redis Cluster of three masters. */
export async function redisCluster(): Promise<RedisCluster> {
  return (await startCluster()) ?? skip('a redis-server program', bring)
}
