import { setTimeout as sleep } from 'node:timers/promises'

import type { AnyRequest } from 'autodocops'
import type { CacheService } from 'autodocops/plugins/cache'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Check, Space } from './kit.ts'
import { never, rejects } from './kit.ts'
import { age, pass } from './rig-clock.ts'
import type { Rig, RigOptions } from './rig.ts'
import { until } from './rig.ts'

const minute = 60_000
const hour = 60 * minute

/** Somebody sets the clock of the machine; no value is older or younger for it. */
export function clockFacts(check: Check, space: Space, rigOf: () => Rig): void {
  check('a clock that is set forward ends no value', async () => {
    const [cache, { clock }] = [space(), rigOf()]
    const options = { ttl: '10m', eager: 0.5 }
    let calls = 0
    await cache.set('k', 'old', options)

    clock.jump(hour)

    assert.is(await cache.getOrSet('k', () => ++calls, options), 'old')
    await sleep(50)
    assert.is(await cache.get('k'), 'old')
    assert.is(calls, 0, 'nor is it refreshed ahead')
  })

  check('a clock that is set back keeps no value for longer', async () => {
    const [cache, rig] = [space(), rigOf()]
    const options = { ttl: '10m', stale: '10m' }
    await cache.set('k', 'old', options)

    rig.clock.jump(-2 * hour)

    await pass(9 * minute, rig)
    assert.is(await cache.get('k'), 'old')
    await pass(2 * minute, rig)
    assert.is(await cache.get('k'), undefined)
    const fail = () => Promise.reject(new Error('down'))
    assert.is(await cache.getOrSet('k', fail, { ...options, backoff: 0 }), 'old')
    await pass(10 * minute, rig)
    assert.is((await rejects(cache.getOrSet('k', fail, options))).message, 'down')
  })

  check('explain tells ends by the clock as it is set now', async () => {
    const [cache, { clock }] = [space(), rigOf()]
    await cache.set('k', 1, { ttl: '10m' })

    clock.jump(hour)
    const { expiresAt } = await cache.explain('k')

    const leftMs = Date.parse(expiresAt ?? '') - clock.now()
    assert.ok(leftMs > 0 && leftMs <= 10 * minute, `${leftMs} ms`)
  })
}

const request = { ctx: { get: () => '' } } as unknown as AnyRequest

async function replyOf(cache: CacheService, key: string): Promise<unknown[]> {
  const options = { namespace: 'apart', key, ttl: '10m' }
  const reply = await cache.respond(request, options, () => Promise.resolve('made'))
  return [reply?.headers['X-Cache'], reply?.headers['Age']]
}

/** Instances whose machines disagree about the time, on one store. */
export function apartSuite(name: string, open: (options?: RigOptions) => Promise<Rig>): void {
  const check = suite(name)
  const hours = [0, 1, -1]
  const rigs: Rig[] = []
  const add = async (ahead: number) => {
    const rig = await open({ cache: { jitter: 0 } })
    rig.clock.jump(ahead * hour)
    rigs.push(rig)
    return rig
  }

  check.before(async () => {
    for (const ahead of hours) await add(ahead)
  })
  check.after(() => rigs.forEach((rig) => rig.stop()))

  for (const [writer, ahead] of hours.entries())
    check(`what one writes whose clock is ${ahead} h ahead is as old for all of them`, async () => {
      const key = `k${writer}`
      const spaces = rigs.map(({ cache }) => cache.namespace('apart'))
      await spaces[writer]?.set(key, 'old', { ttl: '10m', stale: '10m' })

      await pass(9 * minute, ...rigs)
      const late = await Promise.all([add(0), add(1), add(-1)])
      for (const { cache } of late)
        assert.equal(await replyOf(cache, key), ['HIT-L2', String((9 * minute) / 1_000)])
      for (const cache of spaces) assert.is(await cache.getOrSet(key, never), 'old')

      await pass(2 * minute, ...rigs)
      for (const { cache } of rigs) assert.is(await cache.namespace('apart').get(key), undefined)
      const fail = () => Promise.reject(new Error('down'))
      for (const { cache } of rigs)
        assert.is(await cache.namespace('apart').getOrSet(key, fail, { backoff: 0 }), 'old')

      await pass(10 * minute, ...rigs)
      const again = rigs.map(({ cache }) => rejects(cache.namespace('apart').getOrSet(key, fail)))
      for (const error of await Promise.all(again)) assert.is(error.message, 'down')
      for (const rig of rigs.splice(hours.length)) rig.stop()
    })

  check('what all of them expire is made anew by the first', async () => {
    const spaces = rigs.map(({ cache }) => cache.namespace('apart'))
    for (const [index, cache] of spaces.entries()) {
      await cache.set(`e${index}`, 'old', { ttl: '10m', stale: '10m' })
      await spaces.at(index - 1)?.expire(`e${index}`)
      await sleep(200) // for the news of it, which would take the stale value from whoever is asking

      for (const other of spaces) {
        await until(async () => (await other.get(`e${index}`)) === undefined)
        const fail = () => Promise.reject(new Error('down'))
        assert.is(await other.getOrSet(`e${index}`, fail, { backoff: 0 }), 'old')
      }
      assert.is(await cache.getOrSet(`e${index}`, () => 'new', { ttl: '10m' }), 'new')
      for (const other of spaces) await until(async () => (await other.get(`e${index}`)) === 'new')
    }
  })

  check(
    'when the clock of Redis is set back, what it keeps for too long is made anew',
    async () => {
      const [rig] = rigs
      if (!rig) throw new Error('there are three')
      await rig.cache.namespace('apart').set('r', 'old', { ttl: '10m' })

      await age(-hour, rig)
      const other = await add(0)

      assert.is(await other.cache.namespace('apart').get('r'), undefined)
      const report = await other.cache.namespace('apart').explain('r')
      assert.is(report.reason, 'its time is over')
      assert.is(await other.cache.namespace('apart').getOrSet('r', () => 'new'), 'new')
    },
  )

  check('a leap of time takes no line for dead', async () => {
    const resyncs = () => rigs.map(({ cache }) => cache.status().counts.resyncs)
    const before = resyncs()
    await sleep(100) // for what is under way

    for (const { clock } of rigs) clock.pass(hour)
    await sleep(1_500)

    assert.equal(resyncs(), before)
    for (const { cache } of rigs) assert.is(cache.status().bus, 'up')
  })

  check.run()
}
