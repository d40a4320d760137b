import { setTimeout as sleep } from 'node:timers/promises'

import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Rig, RigOptions } from './rig.ts'
import { until } from './rig.ts'

/** A factory that says when it was called, and waits. */
function slow(value: string) {
  let start = () => {}
  let release = () => {}
  const started = new Promise<void>((resolve) => (start = resolve))
  const released = new Promise<void>((resolve) => (release = resolve))
  const factory = async () => {
    start()
    await released
    return value
  }
  return { started, release: () => release(), factory }
}

/** What several instances on one store owe each other. */
export function instancesSuite(
  name: string,
  open: (options?: RigOptions) => Promise<Rig>,
  trials = 1_000,
): void {
  const check = suite(name)
  const rigs: Rig[] = []
  let turn = 0
  const spaces = () => {
    const space = `i${turn++}`
    return rigs.map(({ cache }) => cache.namespace(space))
  }

  check.before(async () => {
    for (let i = 0; i < 4; i++) rigs.push(await open({ cache: { jitter: 0 } }))
  })
  check.after(() => rigs.forEach((rig) => rig.stop()))

  check('C1: 10 keys × 100 callers on 4 instances are 10 calls', async () => {
    const instances = spaces()
    let calls = 0
    const factory = async () => (await sleep(30), ++calls)

    const all = Array.from({ length: 1_000 }, async (_, i) =>
      instances[i % 4]?.getOrSet(`k${i % 10}`, factory),
    )
    const values = await Promise.all(all)

    assert.is(calls, 10)
    assert.ok(values.every((value) => typeof value === 'number'))
  })

  check('what one instance wrote, expired or removed, the others know at once', async () => {
    const [a, b] = spaces()
    if (!a || !b) throw new Error('there are 4')
    await a.set('k', 1, { stale: '1m' })
    assert.is(await b.get('k'), 1)

    await a.set('k', 2, { stale: '1m' })
    const tookMs = [await until(async () => (await b.get('k')) === 2)]
    await b.expire('k')
    tookMs.push(await until(async () => (await a.get('k')) === undefined))
    const fail = () => Promise.reject(new Error('down'))
    assert.is(await a.getOrSet('k', fail, { stale: '1m' }), 2)
    await a.remove('k')
    const message = () => b.getOrSet('k', fail).then(String, (error: Error) => error.message)
    tookMs.push(await until(async () => (await message()) === 'down'))
    assert.ok(Math.min(...tookMs) < 500, `${tookMs.join(', ')} ms`)
  })

  check('a source that fails for all instances at once is bridged on each of them', async () => {
    const instances = spaces()
    const fail = () => Promise.reject(new Error('down'))
    const options = { stale: '1m', backoff: 0 }
    await instances[0]?.set('k', 'old', options)
    await instances[0]?.expire('k')
    await sleep(200) // for the news of it, which would take the stale value from whoever is asking

    for (let round = 0; round < 50; round++) {
      const asked = instances.map((cache) => cache.getOrSet('k', fail, options))
      assert.equal(await Promise.all(asked), ['old', 'old', 'old', 'old'])
    }
  })

  check('removing by tag and clearing reach every instance', async () => {
    const instances = spaces()
    const [a, b] = instances
    await a?.set('k', 1, { tags: ['t'] })
    await a?.set('l', 1)
    for (const cache of instances) assert.equal((await cache.getMany(['k', 'l'])).size, 2)

    await b?.removeByTag('t')
    for (const cache of instances) await until(async () => (await cache.get('k')) === undefined)
    assert.is(await b?.clear(), 2, 'what a tag removed is still a key in Redis')
    for (const cache of instances) await until(async () => (await cache.get('l')) === undefined)
  })

  for (const verb of ['remove', 'removeByTag'] as const)
    for (const place of ['the same', 'another'] as const)
      check(
        `C9: ${verb} on ${place} instance beats a factory in flight, 100 times of 100`,
        async () => {
          const [a, b] = spaces()
          const remover = place === 'the same' ? a : b
          let stale = 0

          for (let i = 0; i < 100; i++) {
            const key = `k${i}`
            const tags = [`t${i}`]
            const { started, release, factory } = slow('old')
            const caller = a?.getOrSet(key, factory, { tags })
            await started
            await remover?.[verb](verb === 'remove' ? key : `t${i}`)
            release()
            await caller
            if ((await remover?.get(key)) !== undefined) stale++
            // In a Cluster the news travels between nodes, and may come after the answer.
            await until(async () => (await a?.get(key)) === undefined)
            if ((await b?.get(key)) !== undefined) stale++
          }

          assert.is(stale, 0)
        },
      )

  check('C10: a cold read that races a write never keeps the old value', async () => {
    const [a, b] = spaces()
    let stuck = 0

    for (let i = 0; i < trials; i++) {
      await a?.set('k', `old ${i}`)
      const reading = b?.get('k')
      await Promise.all([a?.set('k', `new ${i}`), reading])
      try {
        await until(async () => (await b?.get('k')) === `new ${i}`)
      } catch {
        stuck++
      }
    }

    assert.is(stuck, 0)
  })

  check('concurrent writers end with one value on every instance', async () => {
    const instances = spaces()

    for (let round = 0; round < 50; round++) {
      await Promise.all(instances.map((cache, i) => cache.set('k', `${round}-${i}`)))
      const seen = () => Promise.all(instances.map((cache) => cache.get<string>('k')))
      await until(async () => new Set(await seen()).size === 1)
    }
  })

  check('many at once on 4 instances: each key is loaded once', async () => {
    const instances = spaces()
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
    const asked: string[] = []
    const load = async (missing: readonly string[]) => {
      asked.push(...missing)
      await sleep(20)
      return new Map(missing.map((key) => [key, key]))
    }

    const all = await Promise.all(instances.map((cache) => cache.getOrSetMany(keys, load)))

    assert.ok(all.every((values) => values.size === 50))
    assert.equal(asked.toSorted(), keys.toSorted())
  })

  check(
    'C15: 1000 values with tags are made, removed by tag and cleared without an error',
    async () => {
      const [a, b] = spaces()
      const keys = Array.from({ length: 1_000 }, (_, i) => `k${i}`)
      await Promise.all(
        keys.map(async (key, i) => a?.getOrSet(key, () => i, { tags: [`t${i % 7}`, 'all'] })),
      )
      assert.is((await b?.getMany(keys))?.size, 1_000)

      await b?.removeByTag('t0', 't1')
      assert.is((await b?.getMany(keys))?.size, keys.filter((_, i) => i % 7 > 1).length)
      await a?.clear()

      assert.is((await a?.getMany(keys))?.size, 0)
      assert.is(await b?.clear(), 0)
      const lines = JSON.stringify(rigs[0]?.witness.lines)
      assert.is(rigs[0]?.cache.status().counts.errors, 0, lines)
    },
  )

  check('an outage of nobody: no instance lost the bus, and nothing is pending', () => {
    for (const { cache } of rigs) {
      const { redis, bus, pending, counts } = cache.status()
      assert.equal([redis, bus, pending, counts.resyncs], ['up', 'up', 0, 1])
    }
  })

  check.run()
}
