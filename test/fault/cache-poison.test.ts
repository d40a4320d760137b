/** Values that are not ours, memory that is full, a Redis that refuses, a lease holder that dies: C3, C8, C13, C14, C16. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { metrics } from '../../plugins/cache/metrics.ts'
import { signalTo } from '../harness/ending.ts'
import { privateRedis } from '../harness/redis.ts'
import { timed } from '../harness/stopwatch.ts'
import { openCache, openShared, until } from '../plugins/cache/rig.ts'

const server = await privateRedis()
const redis = { url: server.url }

test('C8: 10 foreign values, cold and behind memory, are misses that are counted and mended', async () => {
  const [a, b] = [await openShared({ redis }), await openShared({ redis })]
  const client = a.redis?.connection('default')
  const poisons = [
    'list',
    'hash',
    'not json',
    '',
    '"hello"',
    '5',
    'null',
    '{}',
    '[2,60000,0,9,{}]\n{"cut":',
    '[2,60000,0,16,{}]\n"without an end"',
  ]
  let made = 0

  for (const tier of ['cold', 'behind memory'])
    for (const [index, poison] of poisons.entries()) {
      const cache = a.cache.namespace('poison')
      const key = `${tier.length}-${index}`
      const at = `autodocops:cache:poison:{${key}}`
      if (tier !== 'cold') await b.cache.namespace('poison').getOrSet(key, () => 'before')
      await client?.del(at)
      if (poison === 'list') await client?.lpush(at, 'x')
      else if (poison === 'hash') await client?.hset(at, 'x', 1)
      else if (poison.includes('without')) await client?.set(at, poison)
      else await client?.set(at, poison, 'PX', 60_000)

      const value = await cache.getOrSet(key, () => (made++, 'made'))

      assert.is(value, 'made', poison)
      const other = await openShared({ redis })
      assert.is(await other.cache.namespace('poison').get(key), 'made', `${poison} was overwritten`)
      other.stop()
    }

  assert.is(made, 20)
  assert.ok(a.cache.status().counts.rejected >= 18, `${a.cache.status().counts.rejected}`)
  assert.is(a.cache.status().redis, 'up')
  a.stop()
  b.stop()
})

test('C13: 10,000 values of 1 KB stay within 4 MiB of memory', async () => {
  const rig = openCache({ cache: { memory: '4MiB' } })
  const value = 'x'.repeat(1_000)

  let most = 0
  for (let i = 0; i < 10_000; i++) {
    await rig.cache.set(`k${i}`, value)
    most = Math.max(most, rig.cache.status().bytes)
  }

  const { entries, counts } = rig.cache.status()
  assert.ok(most <= 4 * 2 ** 20, `${most} bytes`)
  assert.ok(entries > 2_500, `${entries} entries`)
  assert.is(counts.evictions, 10_000 - entries)
  assert.is(await rig.cache.get('k9999'), value)
  rig.stop()
})

test('what a value takes that was read counts too', async () => {
  const rig = openCache({ cache: { memory: '1MiB' } })
  let most = 0
  for (let i = 0; i < 2_000; i++) {
    await rig.cache.set(`k${i}`, { text: 'x'.repeat(300) })
    const before = rig.cache.status().bytes
    await rig.cache.get(`k${i}`)
    if (i === 0) assert.ok(rig.cache.status().bytes >= before + 600)
    most = Math.max(most, rig.cache.status().bytes)
  }

  assert.ok(most <= 2 ** 20, `${most} bytes`)
  rig.stop()
})

test('C14: 100,000 keys make no label: the families of the cache have 60 series at the most', async () => {
  const rig = openCache()
  for (let i = 0; i < 100_000; i++) await rig.cache.get(`k${i}`)

  const seen = new Set<string>()
  for (const { name, payload } of rig.witness.heard)
    for (const family of metrics) {
      const sample = family.on[name]?.(payload as never)
      if (sample)
        seen.add(`${family.name} ${JSON.stringify(Array.isArray(sample) ? sample[0] : sample)}`)
    }
  const possible = metrics
    .filter(({ kind }) => kind === 'counter')
    .map(({ labels }) => Object.values(labels).reduce((n, values) => n * values.length, 1))

  assert.ok(seen.size > 0 && seen.size <= 60, `${seen.size} series`)
  assert.ok(
    possible.reduce((sum, n) => sum + n, 0) <= 60,
    `${possible.join(' + ')} possible series`,
  )
  rig.stop()
})

test('C16: a Redis that is full goes on being read, and is not taken for a dead one', async () => {
  const rig = await openShared({ redis })
  const client = rig.redis?.connection('default')
  const cache = rig.cache.namespace('full')
  await cache.set('k', 'kept')
  await client?.config('SET', 'maxmemory', '1')

  await cache.set('l', 1)
  await cache.set('m', 1)
  const made = await cache.getOrSet('n', () => 'made')
  const other = await openShared({ redis })
  const read = await other.cache.namespace('full').get('k')
  await other.cache.namespace('full').remove('k')
  const isGone = async () => (await cache.get('k')) === undefined
  const isRemoved = await until(isGone).then(
    () => true,
    () => false,
  )
  await client?.config('SET', 'maxmemory', '0')

  assert.equal([made, read], ['made', 'kept'])
  assert.ok(isRemoved, 'removed while full')
  assert.is(rig.cache.status().redis, 'up')
  assert.is(rig.witness.count('cache:degraded'), 0)
  assert.is(
    rig.witness.lineCount('Redis refuses commands of the cache'),
    1,
    'one line, not one a command',
  )
  await until(() => rig.cache.status().pending === 0)
  rig.stop()
  other.stop()
})

test('C16: a replica that may not be written to is read, and told later what was removed', async () => {
  const rig = await openShared({ redis })
  const admin = rig.redis?.connection('default')
  const cache = rig.cache.namespace('replica')
  await cache.set('k', 'kept')
  await cache.set('l', 'kept')
  await admin?.call('REPLICAOF', '127.0.0.1', '1')

  await cache.remove('k')
  const values = await cache.getMany(['k', 'l'])
  const made = await cache.getOrSet('m', () => 'made')
  await admin?.call('REPLICAOF', 'NO', 'ONE')

  assert.equal([Object.fromEntries(values), made], [{ l: 'kept' }, 'made'])
  await until(() => rig.cache.status().pending === 0)
  assert.is(await admin?.exists('autodocops:cache:replica:{k}'), 0)
  rig.stop()
})

function startHolder(hardMs: number) {
  const holder = fileURLToPath(new URL('./cache-lease-holder.ts', import.meta.url))
  const flags = 'Deno' in globalThis ? ['run', '-A'] : []
  const args = [...flags, '--conditions=source', holder, server.url, String(hardMs)]
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
}

test('an instance that is suspended while it makes a value brings back nothing that was removed meanwhile', async () => {
  const child = startHolder(600_000)
  await once(child.stdout, 'data')
  const rig = await openShared({ redis })
  const cache = rig.cache.namespace('held')

  signalTo(child, 'SIGSTOP')
  child.stdin.write('late')
  await cache.remove('k')
  const made = await cache.getOrSet('k', () => 'newer')
  signalTo(child, 'SIGCONT')
  const [got] = (await once(child.stdout, 'data')) as [Buffer]
  const cold = await openShared({ redis })
  const seen = [await cache.get('k'), await cold.cache.namespace('held').get('k')]
  await cache.remove('k')
  rig.stop()
  cold.stop()

  assert.equal([made, String(got).trim(), seen], ['newer', 'late', ['newer', 'newer']])
})

test('a lease that Redis gives when nobody waits for it any more is given back', async () => {
  let isHolding = false
  const held: (() => void)[] = []
  /** Keeps back what asks for a lease, and what comes behind it. */
  const proxy = createServer((client) => {
    const target = connect(server.port, '127.0.0.1').on('error', () => client.destroy())
    client.on('error', () => target.destroy()).on('close', () => target.destroy())
    target.pipe(client)
    client.on('data', (bytes) => {
      if (!isHolding || !bytes.toString().includes(':lease')) return void target.write(bytes)
      client.pause()
      held.push(() => (target.write(bytes), client.resume()))
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port } = proxy.address() as AddressInfo
  const rig = await openShared({ redis: { url: `127.0.0.1:${port}`, commandTimeout: '3s' } })
  const other = await openShared({ redis })

  isHolding = true
  const options = { hard: '10m' }
  const made = await rig.cache.namespace('late').getOrSet('k', () => 'alone', options)
  isHolding = false
  for (const go of held) go()
  await until(() => rig.cache.status().redis === 'up' && rig.cache.status().pending === 0)
  const lease = await other.redis?.connection('cache').exists('autodocops:cache:late:{k}:lease')
  rig.stop()
  other.stop()
  proxy.close()

  assert.equal([made, held.length, lease], ['alone', 1, 0])
})

test('keys of another type where a lease or a tag stands hold up nobody', async () => {
  const rig = await openShared({ redis })
  const client = rig.redis?.connection('cache')
  const cache = rig.cache.namespace('typed')
  await client?.lpush('autodocops:cache:typed:{list}:lease', 'x')
  await client?.set('autodocops:cache:typed:{text}:lease', 'x')
  await client?.hset('autodocops:cache:#tag:{typed}', 'x', 1)

  const options = { tags: ['typed'], ttl: '1h' }
  for (const key of ['list', 'text']) await cache.getOrSet(key, () => 'made', options)
  const other = await openShared({ redis })
  const shared = await other.cache.namespace('typed').getMany(['list', 'text'])
  rig.stop()
  other.stop()

  assert.equal(Object.fromEntries(shared), { list: 'made', text: 'made' })
})

test('C3: when a lease holder is killed, another instance makes the value within `hard` and half a second', async () => {
  const hardMs = 1_000
  const child = startHolder(hardMs)
  await once(child.stdout, 'data')
  const rig = await openShared({ redis })
  child.kill('SIGKILL')
  const cache = rig.cache.namespace('held')
  let calls = 0

  const make = () => (calls++, 'made')
  const { value, ms } = await timed(() => cache.getOrSet('k', make, { hard: hardMs }))

  assert.equal([value, calls], ['made', 1])
  assert.ok(ms <= hardMs + 500, `${ms} ms`)
  rig.stop()
})

test.run()
