import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { faultOf, isHostPort, parseAddress } from '../../../plugins/redis/address.ts'
import { config } from '../../../plugins/redis/config.ts'
import { evictionRisk } from '../../../plugins/redis/eviction.ts'
import { backOff, placeOf } from '../../../plugins/redis/options.ts'
import { Connections } from '../../../plugins/redis/service.ts'
import { timed } from '../../harness/stopwatch.ts'
import type { Timed } from '../../harness/stopwatch.ts'
import { clock, random, until, Witness } from '../cache/rig.ts'

const open = (witness: Witness, manifest: object) =>
  new Connections({
    log: witness.log,
    events: witness.events,
    clock,
    random,
    config: config.parse(manifest),
  })

const listen = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`),
    )
  })

const failure = (work: () => Promise<unknown>): Promise<Timed<string>> =>
  timed(() => work().then(String, (error: Error) => error.message))

test('an address is a URL, or host and port alone', () => {
  const plain = { username: undefined, password: undefined, db: 0, tls: false }

  assert.equal(parseAddress('localhost:6379'), { ...plain, host: 'localhost', port: 6379 })
  assert.equal(parseAddress('redis://r'), { ...plain, host: 'r', port: 6379 })
  assert.equal(parseAddress('[::1]:7000'), { ...plain, host: '::1', port: 7000 })
  assert.equal(parseAddress('rediss://me:p%40ss@r.example.com:6380/2'), {
    host: 'r.example.com',
    port: 6380,
    username: 'me',
    password: 'p@ss',
    db: 2,
    tls: true,
  })
  for (const text of ['http://r', 'redis://', '', 'redis://r/x', 'a b:1', 'r:99999'])
    assert.throws(() => parseAddress(text), undefined, text)
})

test('what cannot be an address is refused with what to do, and is not repeated', () => {
  const refused: Readonly<Record<string, RegExp>> = {
    'unix:///run/hidden.sock': /cannot be a Unix socket: .*redis:\/\/127/,
    'redis+unix:///run/hidden.sock': /Unix socket/,
    'redis-socket:///run/hidden.sock': /Unix socket/,
    '/run/hidden.sock': /Unix socket/,
    'redis://localhost:6379?db=3&x=hidden': /database is its path, .*6379\/3/,
    'redis://localhost#hidden': /takes no parameters/,
    'redis://me:hid/den@r': /percent-encoded: .*\/ is %2F/,
    'redis://me:hid#den@r': /# is %23/,
    'redis://me:hid%den@r': /% is %25/,
    'redis://me:12/hidden@r': /percent-encoded/,
    'redis://me:12?hidden@r': /percent-encoded/,
    'redis://me:12#hidden@r': /percent-encoded/,
    'redis://r:hidden': /must be redis:\/\/, rediss:\/\/ or host:port/,
  }

  for (const [text, rule] of Object.entries(refused)) {
    assert.match(faultOf(text) ?? '', rule, text)
    assert.not.match(faultOf(text) ?? '', 'hid', text)
    assert.match(config.safeParse({ url: text }).error?.message ?? '', faultOf(text) ?? '')
  }
  for (const text of ['redis://@r', 'redis://:@r/', 'redis://me:p@ss@r'])
    assert.is(faultOf(text), undefined, text)
})

test('what a url says itself is refused beside it, where it would have no effect', () => {
  const places = [{}, { url: 'redis://r' }]
  const ignored = [{ tls: true }, { username: 'me' }, { password: 'secret' }]

  for (const place of places)
    for (const key of ignored)
      assert.match(config.safeParse({ ...place, ...key }).error?.message ?? '', 'rediss://user:')
  for (const key of ignored) assert.ok(config.safeParse({ nodes: ['r:1'], ...key }).success)
})

test('a node of a Cluster or a Sentinel is host and port', () => {
  assert.ok(
    isHostPort('10.0.0.1:6379') && isHostPort('[::1]:6379') && isHostPort('redis-0.redis:6379'),
  )
  assert.not(isHostPort('10.0.0.1') || isHostPort('redis://r:1') || isHostPort('r:99999'))
})

test('a named connection with an address of its own goes there, the others where the rest goes', () => {
  const parsed = config.parse({
    nodes: ['a:1', 'b:2'],
    connections: { sessions: { url: 'rediss://s:3' } },
  })

  const cache = placeOf(parsed, 'cache')
  const sessions = placeOf(parsed, 'sessions')

  assert.is(cache.kind, 'cluster')
  assert.is(sessions.kind === 'single' && sessions.address.host, 's')
})

test('Sentinels are asked for the master by name', () => {
  const place = placeOf(
    config.parse({ sentinels: { name: 'main', nodes: ['s1:26379', 's2:26379'] }, password: 'p' }),
    'cache',
  )

  assert.is(place.kind, 'sentinel')
  if (place.kind !== 'sentinel') return
  assert.equal(place.options.sentinels, [
    { host: 's1', port: 26379 },
    { host: 's2', port: 26379 },
  ])
  assert.equal([place.options.name, place.options.password], ['main', 'p'])
})

test('an address never shows in a config that is printed', () => {
  const url = config.parse({ url: 'redis://me:hunter2@r:1' })
  const nodes = config.parse({ nodes: ['r:1'], password: 'hunter2' })

  assert.not.match(JSON.stringify([url, nodes]), /hunter2/)
})

test('the pauses between two tries to reconnect grow to the limit', () => {
  const pause = backOff(1_000, () => 1)

  assert.equal([1, 2, 3, 6, 50].map(pause), [50, 100, 200, 1_000, 1_000])
})

test('a policy that may evict is a risk only where memory is bounded', () => {
  const info = (max: number, policy: string) =>
    `# Memory\r\nmaxmemory:${max}\r\nmaxmemory_human:1M\r\nmaxmemory_policy:${policy}\r\n`

  assert.is(evictionRisk(info(1_024, 'allkeys-lru')), 'allkeys-lru')
  assert.is(evictionRisk(info(1_024, 'volatile-ttl')), 'volatile-ttl')
  assert.is(evictionRisk(info(0, 'allkeys-lru')), undefined)
  assert.is(evictionRisk(info(1_024, 'noeviction')), undefined)
})

test('with nobody there a command fails at once, an outage is one line, and nothing is left unhandled', async () => {
  const closed = createServer()
  const url = await listen(closed)
  closed.close()
  const witness = new Witness()
  const redis = open(witness, { url })

  const first = await failure(() => redis.connection('cache').get('k'))
  await until(() => witness.count('redis:went-down') > 0)
  await sleep(300)
  const later = await failure(() => redis.connection('cache').set('k', 'v'))
  const health = await redis.health()
  redis.close()

  assert.ok(first.ms < 200 && later.ms < 200, `${first.ms} ms, ${later.ms} ms`)
  assert.is(health.status, 'fail')
  assert.match(health.detail ?? '', /ECONNREFUSED/)
  assert.is(witness.lineCount('redis went down'), 1)
  assert.is(witness.count('redis:went-down'), 1)
})

test('a server that accepts and says nothing is given up within the deadlines', async () => {
  const silent = createServer((socket) => socket.on('error', () => {}))
  const witness = new Witness()
  const redis = open(witness, { url: await listen(silent) })
  const client = redis.connection('cache')
  await sleep(100)

  const { ms } = await failure(() => client.get('k'))
  redis.close()
  silent.close()

  assert.ok(ms < 500, `${ms} ms`)
  assert.not(redis.isUp('cache'))
})

test('closing ends every connection, and is no outage', async () => {
  const server = createServer((socket) => socket.on('error', () => {}))
  const witness = new Witness()
  const redis = open(witness, { url: await listen(server) })

  const clients = [redis.connection('cache'), redis.dedicated('cache'), redis.subscriber('cache')]
  await sleep(50)
  redis.close()
  await until(() => clients.every(({ status }) => status === 'end'))
  server.close()

  assert.is(witness.lineCount('redis went down'), 0)
  assert.equal(redis.names(), ['cache'])
})

test.run()
