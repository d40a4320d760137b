/** A real master with a replica and three Sentinels: the master is killed, and the same client goes on with the next. */
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../plugins/redis/config.ts'
import { Connections } from '../../plugins/redis/service.ts'
import { binary } from '../harness/binaries.ts'
import { adopt, adoptFolder, atEnd, end } from '../harness/ending.ts'
import { listening, sparePort } from '../harness/ports.ts'
import { privateRedis } from '../harness/redis.ts'
import { clock, random, until, Witness } from '../plugins/cache/rig.ts'

const name = 'main'
const sentinelCount = 3
const quorum = 2

/** It writes what it learns into its configuration, so each has a folder of its own. */
async function startSentinel(master: number): Promise<number> {
  const program = binary('redis-server') ?? 'redis-server'
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-sentinel-')))
  const port = await sparePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${home}`,
    `sentinel monitor ${name} 127.0.0.1 ${master} ${quorum}`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 2000`,
  ]
  const file = join(home, 'sentinel.conf')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = adopt(spawn(program, [file, '--sentinel'], { cwd: home, stdio: 'ignore' }))
  atEnd(() => end(child, 'SIGKILL'))
  assert.ok(await listening(port, () => child.exitCode === null), 'a Sentinel starts')
  return port
}

/** Until each Sentinel knows the others and the replica, none of them can promote it. */
async function isAgreed(port: number): Promise<boolean> {
  const client = new Redis({ port, host: '127.0.0.1' })
  try {
    const flat = (await client.call('SENTINEL', 'MASTER', name)) as string[]
    const fact = (key: string) => Number(flat[flat.indexOf(key) + 1])
    return fact('num-slaves') === 1 && fact('num-other-sentinels') === sentinelCount - 1
  } finally {
    client.disconnect()
  }
}

const master = await privateRedis()
const replica = await privateRedis([
  '--replicaof',
  `127.0.0.1 ${master.port}`,
  '--repl-diskless-sync-delay',
  '0',
])
const sentinels: number[] = []
for (let i = 0; i < sentinelCount; i++) sentinels.push(await startSentinel(master.port))
await until(async () => (await Promise.all(sentinels.map(isAgreed))).every(Boolean), 30_000)

function open() {
  const witness = new Witness()
  const { log, events } = witness
  const nodes = sentinels.map((port) => `127.0.0.1:${port}`)
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
