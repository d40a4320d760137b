import { createHash } from 'node:crypto'

import { testPlugin } from 'autodocops/testing'
import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import redisPlugin from '../../plugins/redis/index.ts'
import { Browser, start } from '../plugins/sessions/world.ts'
import type { Instance } from '../plugins/sessions/world.ts'
import { privateRedis } from '../harness/redis.ts'
import { timed } from '../harness/stopwatch.ts'
import { FaultProxy } from '../harness/tcp-fault.ts'
import { until } from '../harness/until.ts'

/** A request answers within this when Redis does not. */
const budgetMs = 350

// Kept on disk, so that a restart comes back with its data; a killed process loses nothing that it wrote.
const server = await privateRedis(['--appendonly', 'yes', '--appendfsync', 'no'])
const proxy = await FaultProxy.before(server.port)
const url = `redis://127.0.0.1:${proxy.port}`
const connections = await testPlugin(redisPlugin, { config: { url, commandTimeout: '20s' } })
const { redis } = connections.services
const instance: Instance = await start({ redis })
/** The same, with the deadline that a command has without our saying so. */
const hurriedConnections = await testPlugin(redisPlugin, { config: { url } })
const hurried: Instance = await start({ redis: hurriedConnections.services.redis })
const direct = new Redis(server.port, '127.0.0.1')
direct.on('error', () => undefined)

test.after(async () => {
  direct.disconnect()
  await Promise.all([instance.stop(), hurried.stop()])
  await Promise.all([connections.stop(), hurriedConnections.stop()])
})

const untilUp = (): Promise<void> =>
  until(() =>
    [connections, hurriedConnections].every(({ services }) => services.redis.isUp('sessions')),
  )

test.before.each(untilUp)

const keyOf = (browser: Browser) => {
  const handle = createHash('sha256').update(browser.id).digest('base64url')
  return `${redis.keyPrefix}sessions:${handle}`
}

/** The commands that Redis got while `work` ran. */
async function commandsDuring(work: () => Promise<unknown>): Promise<readonly string[]> {
  const monitor = await direct.monitor()
  const seen: string[] = []
  monitor.on('monitor', (_time: string, [name = ''], source: string) => {
    if (source !== 'lua' && !/^(info|ping|client|hello)$/i.test(name)) seen.push(name.toLowerCase())
  })
  await work()
  // It is told last what was asked last.
  await direct.echo('the end')
  await until(() => seen.includes('echo'))
  monitor.disconnect()
  return seen.slice(0, -1)
}

const outages: Readonly<Record<string, readonly [begin: () => unknown, end: () => unknown]>> = {
  'is killed': [() => server.kill('SIGKILL'), () => server.restart()],
  'refuses connections': [() => proxy.set({ mode: 'refuse' }), () => proxy.set({ mode: 'pass' })],
  'swallows what it gets': [() => proxy.set({ mode: 'stall' }), () => proxy.set({ mode: 'pass' })],
}
for (const [what, [begin, end]] of Object.entries(outages))
  test(`while Redis ${what}, a cookie is 503 within ${budgetMs} ms, is not cleared, and is valid again afterwards`, async () => {
    const browser = new Browser()
    await browser.login(instance)
    const { cookie } = browser
    await begin()
    const down = [
      { url: '/auth/session' },
      { method: 'POST', url: '/fields/x', body: { value: 1 } },
      { method: 'POST', url: '/auth/session' },
      { method: 'DELETE', url: '/auth/session' },
    ]
    for (const injection of down) {
      const { value: reply, ms } = await timed(() => browser.send(hurried, injection))
      const name = `${injection.method ?? 'GET'} ${injection.url}`
      assert.is(reply.status, 503, name)
      assert.is((reply.json() as { code: string }).code, 'session_store_unavailable')
      assert.ok(Number(reply.headers['retry-after']) > 0, name)
      assert.is(reply.headers['set-cookie'], undefined, name)
      assert.ok(ms <= budgetMs, `${name} took ${ms} ms`)
    }
    const { value: login, ms } = await timed(() => new Browser().login(hurried))
    assert.is(login.status, 503)
    assert.is(login.headers['set-cookie'], undefined)
    assert.ok(ms <= budgetMs)

    await end()
    await untilUp()

    assert.is(browser.cookie, cookie)
    await until(() => browser.isKnown(hurried))
  })

test('while Redis is down, requests without a cookie or with a forged one are untouched', async () => {
  await server.kill('SIGKILL')
  for (const headers of [{}, { cookie: 'sid=abc.def' }, { cookie: 'theme=dark' }]) {
    const { value, ms } = await timed(() => hurried.inject({ url: '/fields/x', headers }))
    assert.is(value.status, 200)
    assert.ok(ms < 200, String(ms))
  }
  const as = { subject: 'alice' }
  assert.is((await hurried.inject({ url: '/auth/session', as })).status, 200)
  await server.restart()
})

test('a forged cookie costs 0 commands, a valid one 1, CSRF and the session of the handler included', async () => {
  const browser = new Browser()
  await browser.login(instance)
  const forged = new Browser()
  forged.cookie = `sid=${browser.id}.${'A'.repeat(43)}`

  const none = await commandsDuring(async () => {
    for (let i = 0; i < 1_000; i += 1) await forged.isKnown(instance)
  })
  const reads = await commandsDuring(async () => {
    for (let i = 0; i < 20; i += 1) await browser.isKnown(instance)
  })
  const refused = await commandsDuring(() =>
    browser.send(instance, {
      method: 'DELETE',
      url: '/auth/session',
      headers: { 'sec-fetch-site': 'cross-site' },
    }),
  )
  const opened = await commandsDuring(() => browser.read(instance, 'x'))

  assert.equal(none, [])
  assert.equal(reads, Array<string>(20).fill('get'))
  assert.equal(refused, [])
  assert.equal(opened, ['get'])
})

const poison: Readonly<Record<string, (key: string) => Promise<unknown>>> = {
  'a list': (key) => direct.rpush(key, 'x'),
  'no JSON': (key) => direct.set(key, '{{{'),
  'empty text': (key) => direct.set(key, ''),
  'a JSON text': (key) => direct.set(key, '"hello"'),
  'a JSON list': (key) => direct.set(key, '[1,2]'),
  null: (key) => direct.set(key, 'null'),
  'a foreign object': (key) => direct.set(key, '{"__proto__":{"a":1},"n":1}'),
}
for (const [what, write] of Object.entries(poison))
  test(`${what} in place of a session is no session, and no 500`, async () => {
    const browser = new Browser()
    await browser.login(instance)
    await direct.del(keyOf(browser))
    await write(keyOf(browser))

    const read = await browser.send(instance, { url: '/auth/session' })
    assert.is(read.status, 401)
    const written = await browser.write(instance, 'x', 'kept')
    assert.is(written.status, 200)
    assert.is(await browser.read(instance, 'x'), 'kept')
    assert.is((await browser.login(instance)).status, 201)
    assert.is((await browser.send(instance, { url: '/auth/sessions' })).status, 200)
  })

test('no id is in Redis, neither in a key nor in a value', async () => {
  const browsers = [new Browser(), new Browser(), new Browser()]
  for (const browser of browsers) await browser.login(instance)
  const keys = await direct.keys('*')
  const dump = await Promise.all(keys.map((key) => direct.dump(key)))
  const all = keys.join() + dump.join()

  assert.ok(keys.length >= 4)
  for (const { id } of browsers) assert.not(all.includes(id))
})

test('every key in Redis ends by itself, and lists forget what is over', async () => {
  const browser = new Browser()
  await browser.login(instance, 'grace')
  await browser.write(instance, 'x')
  const subject = createHash('sha256').update('grace').digest('base64url')
  const lists = [`${redis.keyPrefix}sessions:of:${subject}`, `${redis.keyPrefix}sessions:all`]
  for (const list of lists) await direct.zadd(list, 1, 'over')

  await browser.login(instance, 'grace')

  for (const list of lists) assert.is(await direct.zscore(list, 'over'), null)
  for (const key of [keyOf(browser), ...lists]) assert.ok((await direct.pttl(key)) > 0, key)
  assert.ok((await direct.pttl(keyOf(browser))) <= 8 * 3_600_000)
})

test('three devices are logged out everywhere within 50 ms', async () => {
  const times: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const devices = [new Browser(), new Browser(), new Browser()]
    for (const device of devices) await device.login(instance, 'frank')

    const { value: ended, ms } = await timed(() => instance.services.sessions.revokeAll('frank'))

    assert.is(ended, 3)
    for (const device of devices) assert.not(await device.isKnown(instance))
    times.push(ms)
  }
  // The best of five: the machine may have other work.
  assert.ok(Math.min(...times) <= 50, `${times.join(', ')} ms`)
})

test('reloaded many times, it leaves no listener on a connection that it shares', async () => {
  const count = () => redis.connection('sessions').listenerCount('error')
  const before = count()
  for (let i = 0; i < 20; i += 1) await (await start({ redis })).stop()
  assert.is(count(), before)
})

test.run()
