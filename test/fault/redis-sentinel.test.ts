/** A real master with a replica and three Sentinels. One hangs, all are absent, and last the master is killed, and the same client goes on with the next. */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../plugins/redis/config.ts'
import { Connections } from '../../plugins/redis/service.ts'
import { signalTo } from '../harness/ending.ts'
import { sparePort } from '../harness/ports.ts'
import { watchedRedis } from '../harness/sentinel.ts'
import { timed } from '../harness/stopwatch.ts'
import { clock, random, until, Witness } from '../plugins/cache/rig.ts'

const { name, master, replica, nodes, sentinels } = await watchedRedis()

function open(place: object = { name, nodes }) {
  const witness = new Witness()
  const { log, events } = witness
  const parsed = config.parse({ sentinels: place })
  return { redis: new Connections({ log, events, clock, random, config: parsed }), witness }
}

const portOf = async (client: Pick<Redis, 'info'>): Promise<number> =>
  Number(/^tcp_port:(\d+)/m.exec(await client.info('server'))?.[1])

test('a Sentinel that hangs is passed over for the next', async () => {
  const [hanging] = sentinels
  if (hanging) signalTo(hanging, 'SIGSTOP')
  const { redis, witness } = open()

  redis.connection('cache')
  await until(() => redis.isUp('cache'))
  if (hanging) signalTo(hanging, 'SIGCONT')
  redis.close()

  assert.is(witness.lineCount('redis went down'), 0)
})

test('Sentinels that are not there, or know no such master, are an outage of one line that says so', async () => {
  const absent = { name, nodes: [`127.0.0.1:${await sparePort()}`] }
  for (const [place, reason] of [
    [absent, /failed to connect to sentinel 127\.0\.0\.1:\d+/],
    [{ name: 'other', nodes }, /sentinel 127\.0\.0\.1:\d+ because ERR No such master/],
  ] as const) {
    const { redis, witness } = open(place)

    redis.connection('cache')
    await until(() => witness.lineCount('redis went down') > 0)
    await sleep(500)
    const { status, detail } = await redis.health()
    redis.close()

    assert.is(witness.lineCount('redis went down'), 1)
    assert.is(status, 'fail')
    assert.match(detail ?? '', reason)
    assert.match(JSON.stringify(witness.lines), reason)
  }
})

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
    const write = () => client.set('after', 'yes').then(Boolean, () => false)
    const { value: isWritten, ms } = await timed(write)
    longestMs = Math.max(longestMs, ms)
    if (!isWritten) refused++
    return isWritten
  }, 40_000)
  await until(async () => (await client.publish('news', 'again'), heard.includes('again')))

  assert.equal([before, await portOf(client)], [master.port, replica.port])
  assert.is(redis.connection('cache'), client)
  assert.equal(await client.mget('kept', 'after'), ['yes', 'yes'])
  assert.ok(took <= 20_000, `${took} ms`)
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
