import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { conformance } from 'autodocops/testing'
import { Redis } from 'ioredis'
import type { Cluster } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../../plugins/redis/config.ts'
import redisPlugin from '../../../plugins/redis/index.ts'
import { Connections } from '../../../plugins/redis/service.ts'
import { privateRedis, redisCluster } from '../../harness/redis.ts'
import { timed } from '../../harness/stopwatch.ts'
import { clock, random, until, Witness } from '../cache/rig.ts'

const server = await privateRedis()
const cluster = await redisCluster()
const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`)

/** Patient, where the deadline of a command is not what is looked at: a busy machine is no fault. */
const open = (manifest: object) => {
  const witness = new Witness()
  const { log, events } = witness
  const parsed = config.parse({ commandTimeout: '20s', ...manifest })
  const redis = new Connections({ log, events, clock, random, config: parsed })
  return { redis, witness }
}

test('a name is one connection, and two names are two', async () => {
  const { redis } = open({ url: `127.0.0.1:${server.port}` })
  const cache = redis.connection('cache')
  redis.connection('sessions')
  await until(() => redis.isUp('cache') && redis.isUp('sessions'))

  await cache.set('k', 'v')

  assert.is(redis.connection('cache'), cache)
  assert.is(await redis.connection('sessions').get('k'), 'v')
  assert.equal(redis.names(), ['cache', 'sessions'])
  assert.equal(await redis.health(), { status: 'pass' })
  redis.close()
})

test('a user of an ACL, with a password of any characters, works in the database of the url', async () => {
  const admin = new Redis(server.url)
  const rights = ['~autodocops:*', '&autodocops:*', '+@all', '-@dangerous', '+info']
  await admin.call('ACL', 'SETUSER', 'app@x', 'on', '>p@ss:w/o?r#d%', ...rights)
  const login = ['app@x', 'p@ss:w/o?r#d%'].map(encodeURIComponent).join(':')
  const { redis } = open({ url: `${server.url.replace('//', `//${login}@`)}/3` })
  await until(() => redis.isUp('cache'))

  await redis.connection('cache').set('autodocops:k', 'of the third')
  const other = await redis.connection('cache').get('other').then(String, String)
  await admin.select(3)
  const seen = await admin.get('autodocops:k')
  redis.close()
  admin.disconnect()

  assert.is(seen, 'of the third')
  assert.match(other, /NOPERM/)
})

test('a database that there is not, or that the user may not select, is no connection, and not database 0', async () => {
  const admin = new Redis(server.url)
  await admin.call('ACL', 'SETUSER', 'narrow', 'on', '>p', '~*', '&*', '+@all', '-select')
  const urls = [`${server.url}/99`, `${server.url.replace('//', '//narrow:p@')}/3`]
  const reasons = [/DB index is out of range/, /NOPERM.*select/]

  for (const [index, url] of urls.entries()) {
    const { redis, witness } = open({ url })
    const client = redis.connection('cache')
    await until(() => witness.count('redis:went-down') > 0)
    const written = await client.set('astray', 'x').then(String, (error: Error) => error.message)
    void redis
      .dedicated('cache')
      .set('astray', 'x')
      .catch(() => {})
    await sleep(300) // for what should not happen
    const { status, detail = '' } = await redis.health()
    redis.close()

    assert.match(written, /isn't writeable|closed/)
    assert.is(status, 'fail')
    assert.match(detail, reasons[index] ?? /never/)
  }
  assert.is(await admin.exists('astray'), 0)
  admin.disconnect()
})

test('killed with -9 and started again, it is there within 3 s, and the outage is two lines', async () => {
  const { redis, witness } = open({ url: server.url })
  const client = redis.connection('cache')
  await until(() => redis.isUp('cache'))

  await server.kill('SIGKILL')
  await until(() => !redis.isUp('cache'))
  await sleep(500)
  const refused = await client.get('k').then(String, (error: Error) => error.message)
  await server.restart()
  const took = await until(() => redis.isUp('cache'))
  redis.close()

  assert.match(refused, /isn't writeable|closed/)
  assert.ok(took <= 3_000, `${took} ms`)
  assert.equal(
    witness.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message),
    ['redis went down', 'redis came back'],
  )
  assert.is(witness.count('redis:reconnected'), 1)
})

test('a server that hangs is given up after the deadline, and found again', async () => {
  const { redis } = open({ url: server.url, commandTimeout: '250ms' })
  const client = redis.connection('cache')
  await until(() => redis.isUp('cache'))

  const goOn = server.hang()
  const { value, ms, wallMs } = await timed(() => answer(client))
  goOn()

  assert.is(value, 'Command timed out')
  assert.ok(wallMs >= 240 && ms < 450, `${wallMs} ms, ${ms} ms`)
  await until(async () => (await answer(client)) !== 'Command timed out')
  redis.close()
})

test('a line on which answers make no sense any more is dialled anew', async () => {
  let isBroken = false
  /** Says of every length that it is longer: then what follows is the rest of one answer. */
  const proxy = createServer((client) => {
    const target = connect(server.port, '127.0.0.1').on('error', () => client.destroy())
    client.on('error', () => target.destroy()).on('close', () => target.destroy())
    client.pipe(target).on('close', () => client.destroy())
    target.on('data', (bytes) =>
      client.write(isBroken ? bytes.toString().replace(/^\$\d+/, '$99999999') : bytes),
    )
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  const { redis, witness } = open({ url: `127.0.0.1:${port}`, commandTimeout: '500ms' })
  const client = redis.connection('cache')
  await until(() => redis.isUp('cache'))
  await client.set('k', 'v')

  isBroken = true
  assert.is(await answer(client), 'Command timed out')
  isBroken = false
  await until(async () => (await answer(client)) === 'v', 60_000)
  redis.close()
  proxy.close()

  assert.ok(witness.count('redis:went-down') > 0)
})

test('each command has a deadline of its own, whenever it was sent', async () => {
  const { redis, witness } = open({ url: server.url, commandTimeout: '400ms' })
  const client = redis.connection('cache')
  await until(() => redis.isUp('cache'))
  const ask = () => timed(() => answer(client))

  const goOn = server.hang()
  const first = [ask(), ask()]
  await sleep(200)
  const all = await Promise.all([...first, ask()])
  goOn()
  const finished = witness.heard
    .filter(({ name }) => name === 'redis:command-finished')
    .map(({ payload }) => payload as { command: string; durationMs: number })
    .filter(({ command }) => command === 'get')
  redis.close()

  assert.is(finished.length, 3)
  for (const [i, { value, ms, wallMs }] of all.entries()) {
    const told = finished[i]?.durationMs ?? 0
    assert.is(value, 'Command timed out')
    assert.ok(wallMs >= 390 && ms < 590, `${wallMs} ms, ${ms} ms`)
    assert.ok(told >= 390 && told <= wallMs, `${told} of ${wallMs} ms`)
  }
})

const answer = (client: Redis | Cluster): Promise<string> =>
  client.get('k').then(String, (error: Error) => error.message)

function keepBusy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('an answer that has arrived is not late because this process was', async () => {
  const { redis } = open({ url: server.url, commandTimeout: '600ms' })
  const client = redis.connection('cache')
  await until(() => redis.isUp('cache'))
  await client.set('k', 'v')

  const unsent = client.get('k')
  keepBusy(800)
  assert.is(await unsent, 'v', 'it was not even sent yet')
  const goOn = server.hang()
  const sent = client.get('k')
  await sleep(30)
  goOn()
  // So that the clock is looked at before the socket.
  await new Promise(setImmediate)
  keepBusy(800)

  assert.is(await sent, 'v', 'it was answered meanwhile')
  redis.close()
})

test('a server that may evict is named once for a connection whose keys must not be lost', async () => {
  const { redis, witness } = open({ url: server.url })
  const admin = redis.dedicated('admin')
  await admin.config('SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru')

  redis.connection('cache')
  redis.connection('sessions')
  const warnings = () => witness.lines.filter(({ message }) => message.includes('may evict'))
  await until(() => warnings().length > 0)
  await sleep(50)
  await admin.config('SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction')
  redis.close()

  assert.is(warnings().length, 1)
  assert.equal(Reflect.get(warnings()[0]?.fields ?? {}, 'connection'), 'sessions')
})

test('in a Cluster a command goes to its node, and has the same deadline with all redirections', async () => {
  const { redis } = open({ nodes: nodes.slice(0, 1) })
  const client = redis.connection('cache') as Cluster
  await until(() => redis.isUp('cache'))

  await Promise.all(Array.from({ length: 60 }, (_, i) => client.set(`k${i}`, i)))
  const sizes = await Promise.all(client.nodes('master').map((node) => node.dbsize()))

  assert.is(sizes.length, 3)
  assert.ok(
    sizes.every((size) => size > 0),
    sizes.join(' '),
  )
  redis.close()
})

test('in a Cluster a subscriber hears what is published on any node, and tells of every gap', async () => {
  const { redis } = open({ nodes })
  const client = redis.connection('cache') as Cluster
  await until(() => redis.isUp('cache'))
  const subscriber = redis.subscriber('cache')
  const heard: string[] = []
  let gaps = 0
  subscriber.on('message', (_channel, text) => heard.push(text))
  subscriber.on('close', () => gaps++)
  await subscriber.subscribe('news')

  for (const node of client.nodes('master')) await node.publish('news', 'from a node')
  await until(() => heard.length === 3)
  for (const node of client.nodes('master')) await node.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until(() => gaps === 1 && subscriber.status === 'ready')
  await until(async () => (await client.publish('news', 'again'), heard.includes('again')))

  redis.close()
})

test.run()

conformance(redisPlugin, { config: { url: server.url }, rounds: 10 })
