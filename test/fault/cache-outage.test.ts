/** Redis goes away, hangs and comes back, with two instances at work. C4–C7 of the fault list, with their numbers. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { privateRedis } from '../harness/redis.ts'
import { FaultProxy } from '../harness/tcp-fault.ts'
import { Stopwatch, timed } from '../harness/stopwatch.ts'
import type { Rig } from '../plugins/cache/rig.ts'
import { openCache, openShared, until } from '../plugins/cache/rig.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

const server = await privateRedis()
const deadlineMs = 500
const redis = { url: server.url, commandTimeout: `${deadlineMs}ms` }
/** Where the deadline is not what is looked at: a busy machine is no outage. */
const patient = { url: server.url, commandTimeout: '5s' }
const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)

/** What is true, written and read through instances as a database would be. */
class Truth {
  readonly #versions = new Map<string, number>()
  readonly space: string

  constructor(space: string) {
    this.space = space
  }

  read = (rig: Rig, key: string): Promise<number> =>
    rig.cache.namespace(this.space).getOrSet(key, () => this.of(key), { tags: [`tag:${key}`] })

  /** Every third write invalidates by tag, as a route does that knows no key. */
  async write(rig: Rig, key: string): Promise<void> {
    const version = this.of(key) + 1
    this.#versions.set(key, version)
    const cache = rig.cache.namespace(this.space)
    await (version % 3 === 0 ? cache.removeByTag(`tag:${key}`) : cache.remove(key))
  }

  of(key: string): number {
    return this.#versions.get(key) ?? 0
  }
}

async function staleReads(truth: Truth, rigs: readonly Rig[]): Promise<number> {
  let stale = 0
  for (const rig of rigs)
    for (const key of keys) if ((await truth.read(rig, key)) !== truth.of(key)) stale++
  return stale
}

/** Readers and a writer on every instance until `stop`; latencies of the reads. */
function work(truth: Truth, rigs: readonly Rig[]) {
  const latencies: number[] = []
  const errors: unknown[] = []
  let isOn = true
  const pick = () => keys[Math.floor(Math.random() * keys.length)] ?? 'k0'
  const watch = new Stopwatch()
  const loop = async (step: () => Promise<unknown>, pauseMs: number) => {
    while (isOn) {
      const startedAt = watch.ms
      await step().catch((error: unknown) => errors.push(error))
      latencies.push(watch.ms - startedAt)
      await sleep(pauseMs)
    }
  }
  const loops = rigs.flatMap((rig) => [
    loop(() => truth.read(rig, pick()), 1),
    loop(() => truth.read(rig, pick()), 1),
    loop(() => truth.write(rig, pick()), 10),
  ])
  return {
    latencies,
    errors,
    stop: async () => {
      isOn = false
      await Promise.all(loops)
      watch.stop()
    },
  }
}

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0

test('C4: without a Redis at boot all is served at once, and joined when it comes', async () => {
  await server.kill('SIGKILL')
  const rig = openCache({ redis })
  const cache = rig.cache.namespace('boot')

  const times: number[] = []
  for (const key of ['k', 'j', 'i'])
    times.push((await timed(() => cache.getOrSet(key, () => 'made'))).ms)
  await cache.set('l', 1)
  await cache.removeByTag('t')

  const again = await cache.getOrSet('k', () => 'again')
  const { redis: state } = rig.cache.status()
  await server.restart()
  await until(() => rig.cache.status().bus === 'up' && rig.cache.status().pending === 0)
  rig.stop()

  assert.equal([again, state], ['made', 'down'])
  assert.ok(quantile(times, 0.5) < 50, `${times.join(' ')} ms`)
  assert.equal(unhandled, [])
})

test('C5, C6: killed with -9 under load and brought back: no error, no stale read', async () => {
  const truth = new Truth('killed')
  const rigs = [await openShared({ redis: patient }), await openShared({ redis: patient })]
  const load = work(truth, rigs)
  await sleep(500)

  const before = load.latencies.splice(0)
  await server.kill('SIGKILL')
  await sleep(2_000 * scale)
  const during = load.latencies.splice(0)
  const pending = Math.max(...rigs.map((rig) => rig.cache.status().pending))
  await server.restart()
  const back = await until(() => rigs.every((rig) => rig.cache.status().bus === 'up'))
  await sleep(1_000)
  await load.stop()
  await until(() => rigs.every((rig) => rig.cache.status().pending === 0))

  assert.equal(load.errors, [])
  assert.is(await staleReads(truth, rigs), 0)
  assert.ok(pending > 0, 'writes were made during the outage')
  assert.ok(back <= 3_000, `subscribed again ${back} ms after the restart`)
  assert.ok(Math.max(...during) <= 310 + Math.max(...before), `longest ${Math.max(...during)} ms`)
  assert.ok(
    quantile(during, 0.5) <= 50 + quantile(before, 0.99),
    `median ${quantile(during, 0.5)} ms`,
  )
  for (const { cache, witness } of rigs) {
    assert.is(cache.status().counts.resyncs, 2, 'at the start and after the outage')
    assert.is(witness.lineCount('the cache goes on without Redis'), 1, 'one line for one outage')
    assert.is(witness.lineCount('redis went down'), 2, 'one for each connection')
  }
  assert.equal(unhandled, [])
  rigs.forEach((rig) => rig.stop())
})

test('C5: a Redis that hangs costs one deadline, then nothing', async () => {
  const rig = await openShared({ redis })
  const cache = rig.cache.namespace('hangs')
  const make = (key: string) => timed(() => cache.getOrSet(key, () => 'made'))
  await make('warm')

  const goOn = server.hang()
  const { ms: first, wallMs } = await make('first')
  const later: number[] = []
  for (let i = 0; i < 50; i++) later.push((await make(`later ${i}`)).ms)
  goOn()

  assert.ok(wallMs >= deadlineMs - 50 && first <= deadlineMs + 200, `first ${first} ms`)
  assert.ok(quantile(later, 0.9) <= 25, `then ${quantile(later, 0.9)} ms`)
  await until(() => rig.cache.status().redis === 'up')
  rig.stop()
})

test('C6: what was removed while Redis hung is removed when it is back', async () => {
  const [a, b, c] = [
    await openShared({ redis }),
    await openShared({ redis }),
    await openShared({ redis }),
  ]
  const space = (rig: Rig | undefined) => rig?.cache.namespace('hung')
  await space(a)?.set('k', 'old')
  await space(a)?.set('t', 'old', { tags: ['t'] })
  await space(b)?.set('n', 'old', { ttl: '1h' })
  for (const rig of [a, b, c]) assert.is((await space(rig)?.getMany(['k', 't', 'n']))?.size, 3)

  const goOn = server.hang()
  await space(a)?.remove('k')
  await space(a)?.removeByTag('t')
  await space(b)?.expire('n')
  assert.equal(await space(a)?.getMany(['k', 't']), new Map(), 'gone here at once')
  goOn()
  await until(() => [a, b, c].every((rig) => rig?.cache.status().pending === 0))

  for (const rig of [a, b, c])
    await until(async () => (await space(rig)?.getMany(['k', 't', 'n']))?.size === 0)
  for (const rig of [a, b, c]) rig?.stop()
})

test('C7: a bus that is cut is back within a second, and nothing old is left in memory', async () => {
  const [a, b] = [await openShared({ redis }), await openShared({ redis })]
  const [left, right] = [a.cache.namespace('cut'), b.cache.namespace('cut')]
  await left.set('k', 1, { tags: ['t'] })
  assert.is(await right.get('k'), 1)

  await a.redis?.connection('default').call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await left.set('k', 2, { tags: ['t'] })
  const took = await until(async () => (await right.get('k')) === 2)
  await left.removeByTag('t')

  assert.ok(took <= 1_500, `${took} ms`)
  await until(async () => (await right.get('k')) === undefined)
  assert.ok(b.cache.status().counts.resyncs >= 2)
  a.stop()
  b.stop()
})

test('C7: a line that is cut without a word is given up after four beats, and taken up when it carries', async () => {
  const proxy = await FaultProxy.before(server.port)
  const rig = await openShared({ redis: { ...redis, url: `redis://127.0.0.1:${proxy.port}` } })

  proxy.set({ mode: 'stall' })
  const { ms, wallMs } = await timed(() => until(() => rig.cache.status().bus === 'down'))
  proxy.heal()
  await until(() => rig.cache.status().bus === 'up')

  assert.ok(wallMs > 2_500 && ms < 6_000, `${wallMs} ms, ${ms} ms`)
  assert.is(rig.cache.status().counts.resyncs, 2)
  rig.stop()
})

test('C7: while the bus stays away, memory is believed for `trust` and no longer', async () => {
  const [a, b] = [await openShared({ redis }), openCache({ redis, cache: { trust: '300ms' } })]
  await until(() => b.cache.status().bus === 'up')
  const [left, right] = [a.cache.namespace('deaf'), b.cache.namespace('deaf')]
  await left.set('k', 1)
  assert.is(await right.get('k'), 1)

  const admin = a.redis?.connection('default')
  await admin?.call('ACL', 'SETUSER', 'default', 'resetchannels')
  await admin?.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until(() => b.cache.status().bus === 'down')
  // Scripts that announce are refused too: write as an older version or another program would.
  await admin?.del(`autodocops:cache:deaf:{k}`)
  const took = await until(async () => (await right.get('k')) === undefined)

  assert.ok(took <= 1_000, `${took} ms`)
  await admin?.call('ACL', 'SETUSER', 'default', 'allchannels')
  await until(() => b.cache.status().bus === 'up')
  a.stop()
  b.stop()
})

test.run()
