import { setTimeout as sleep } from 'node:timers/promises'

import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from './postgres.ts'
import { privateRedis, redis, redisCluster } from './redis.ts'

const database = await postgres()
const shared = await redis()

test('each file gets an empty database of a real Postgres', async () => {
  const other = await postgres()
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()

  const { rows } = await client.query(
    'select count(*)::int as n from pg_class where relnamespace = 2200',
  )
  await client.end()

  assert.equal(rows, [{ n: 0 }])
  assert.is.not(other.url, database.url)
})

test('a private Redis dies, comes back empty on the same port, hangs and goes on', async () => {
  const server = await privateRedis()
  const client = new Redis(server.url, { retryStrategy: () => 20, maxRetriesPerRequest: null })
  client.on('error', () => {})
  await client.set('a', '1')

  await server.kill('SIGKILL')
  await server.restart()
  const afterRestart = await client.get('a')
  const goOn = server.hang()
  const ping = client.ping()
  const whileHung = await Promise.race([ping, sleep(300, 'nothing')])
  goOn()
  const afterwards = await ping
  client.disconnect()
  await server.stop()

  assert.is(afterRestart, null)
  assert.equal([whileHung, afterwards], ['nothing', 'PONG'])
})

test('a Redis Cluster of three masters redirects a client to the owner of a slot', async () => {
  const { nodes, stop } = await redisCluster()
  const cluster = new Cluster([...nodes])

  const keys = Array.from({ length: 50 }, (_, index) => `key-${index}`)
  await Promise.all(keys.map((key) => cluster.set(key, key)))
  const sizes = await Promise.all(cluster.nodes('master').map((node) => node.dbsize()))
  cluster.disconnect()
  await stop()

  assert.is(sizes.length, 3)
  assert.ok(
    sizes.every((size) => size > 0),
    String(sizes),
  )
})

test('the run and its files share one Redis, told apart by a prefix', async () => {
  const again = await redis()

  assert.is(again.url, shared.url)
  assert.is.not(again.prefix, shared.prefix)
})

test.run()
