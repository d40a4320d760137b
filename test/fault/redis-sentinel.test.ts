/** A real master with a replica and three Sentinels: the master is killed, and the same client goes on with the next. */
import type { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../plugins/redis/config.ts'
import { Connections } from '../../plugins/redis/service.ts'
import { watchedRedis } from '../harness/sentinel.ts'
import { clock, random, until, Witness } from '../plugins/cache/rig.ts'

const { name, master, replica, nodes } = await watchedRedis()

function open() {
  const witness = new Witness()
  const { log, events } = witness
  const parsed = config.parse({ sentinels: { name, nodes } })
  return { redis: new Connections({ log, events, clock, random, config: parsed }), witness }
}

const portOf = async (client: Pick<Redis, 'info'>): Promise<number> =>
  Number(/^tcp_port:(\d+)/m.exec(await client.info('server'))?.[1])

test('the master that the Sentinels name is used, and its killing moves the same clients to the promoted one', async () => {
  const { redis, witness } = open()
  const client = redis.connection('cache') as Redis
  const subscriber = redis.subscriber('cache')
  const heard: string[] = []
  subscriber.on('message', (_channel, text) => heard.push(text))
  await subscriber.subscribe('news')
  await until(() => redis.isUp('cache'))
  const before = await portOf(client)
  await client.set('kept', 'yes')
  // Blocks longer than a command may take.
  assert.is(await redis.dedicated('cache').wait(1, 5_000), 1)

  await master.kill('SIGKILL')
  let refused = 0
  let longestMs = 0
  const took = await until(async () => {
    const startedAt = performance.now()
    const isWritten = await client.set('after', 'yes').then(Boolean, () => false)
    longestMs = Math.max(longestMs, performance.now() - startedAt)
    if (!isWritten) refused++
    return isWritten
  }, 20_000)
  await until(async () => (await client.publish('news', 'again'), heard.includes('again')), 10_000)

  assert.equal([before, await portOf(client)], [master.port, replica.port])
  assert.is(redis.connection('cache'), client)
  assert.equal(await client.mget('kept', 'after'), ['yes', 'yes'])
  assert.ok(took <= 10_000, `${took} ms`)
  assert.ok(longestMs <= 1_000, `a command waited ${longestMs} ms`)
  assert.ok(refused > 0, 'commands were refused meanwhile')
  assert.is(witness.lineCount('redis went down'), 1)
  assert.is(witness.lineCount('redis came back'), 1)
  assert.equal(await redis.health(), { status: 'pass' })
  redis.close()
  console.log(
    `promoted and used after ${Math.round(took)} ms; longest command ${Math.round(longestMs)} ms`,
  )
})

test.run()
