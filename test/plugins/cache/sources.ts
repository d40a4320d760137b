import { setTimeout as sleep } from 'node:timers/promises'

import { ProblemError } from 'autodocops'
import type { CacheNamespace } from 'autodocops/plugins/cache'
import * as assert from 'uvu/assert'

import { timed } from '../../harness/stopwatch.ts'
import type { Check, Pass, Space } from './kit.ts'
import { codeOf, never, rejects } from './kit.ts'
import { until } from './rig.ts'

const minuteMs = 60_000

/** What a cache owes to the factories that make its values. */
export function sourceFacts(check: Check, space: Space, pass: Pass): void {
  check('100 callers at once share one call and its value', async () => {
    const cache = space()
    let calls = 0
    const factory = async () => (await sleep(20), ++calls)

    const values = await Promise.all(
      Array.from({ length: 100 }, () => cache.getOrSet('k', factory)),
    )

    assert.is(calls, 1)
    assert.ok(values.every((value) => value === 1))
  })

  check('100 callers at once share one call and its error, which is not kept', async () => {
    const cache = space()
    let calls = 0
    const factory = async () => {
      await sleep(20)
      throw new Error(`call ${++calls}`)
    }

    const errors = await Promise.all(
      Array.from({ length: 100 }, () => rejects(cache.getOrSet('k', factory))),
    )

    assert.is(calls, 1)
    assert.ok(errors.every((error) => error === errors[0]))
    assert.is(await cache.getOrSet('k', () => 'good'), 'good')
  })

  check(
    'a stale value is served while its source fails, and its source is left alone a while',
    async () => {
      const cache = space()
      let calls = 0
      const fail = () => {
        calls++
        throw new Error('down')
      }
      const options = { ttl: '10m', stale: '1h', backoff: '1h' }
      await cache.set('k', 'old', options)
      await pass(11 * minuteMs)

      const values: string[] = []
      for (let i = 0; i < 11; i++) values.push(await cache.getOrSet('k', fail, options))

      assert.is(calls, 1)
      assert.ok(values.every((value) => value === 'old'))
      assert.is(await cache.get('k'), undefined, 'get gives fresh values only')
    },
  )

  check('what a source says on purpose is not hidden by a stale value', async () => {
    const cache = space()
    await cache.set('k', 'old', { ttl: '10m', stale: '1h' })
    await pass(11 * minuteMs)
    const gone = () => {
      throw new ProblemError('project_not_found', { status: 404, title: 'gone' }, undefined)
    }

    const error = await rejects(cache.getOrSet('k', gone, { stale: '1h' }))

    assert.is(codeOf(error), 'project_not_found')
  })

  check('past `soft` a stale value is served, and the factory goes on', async () => {
    const cache = space()
    const options = { ttl: '10m', stale: '1h', soft: 100 }
    await cache.set('k', 'old', options)
    await pass(11 * minuteMs)
    let release = (_value: string) => {}
    const slow = new Promise<string>((resolve) => (release = resolve))

    const { value, ms, wallMs } = await timed(() => cache.getOrSet('k', () => slow, options))
    release('new')

    assert.is(value, 'old')
    assert.ok(wallMs > 80 && ms < 300, `${wallMs} ms, ${ms} ms`)
    await until(async () => (await cache.get('k')) === 'new')
  })

  check('past `hard` the factory is aborted, and the next caller is not held up', async () => {
    const cache = space()
    let signal: AbortSignal | undefined
    const endless = (context: { readonly signal: AbortSignal }) => {
      signal = context.signal
      return new Promise(() => {})
    }

    const { value, ms } = await timed(() => rejects(cache.getOrSet('k', endless, { hard: 100 })))

    assert.is(codeOf(value), 'cache_source_timeout')
    assert.ok(ms < 300, `${ms} ms`)
    assert.ok(signal?.aborted)
    assert.is(await cache.getOrSet('k', () => 'next', { hard: 100 }), 'next')
  })

  check(
    'what was removed by tag is not served stale either; what was expired by tag is',
    async () => {
      const cache = space()
      const fail = () => {
        throw new Error('down')
      }
      const options = { stale: '1m', tags: ['hot'] }

      await cache.set('k', 'old', options)
      await cache.expireByTag('hot')
      const isFresh = await cache.get('k')
      const expired = await cache.getOrSet('k', fail, options)
      await cache.removeByTag('hot')
      const removed = await rejects(cache.getOrSet('k', fail, options))

      assert.equal([isFresh, expired, removed.message], [undefined, 'old', 'down'])
    },
  )

  check('an expired value is made anew, and served when that fails', async () => {
    const cache = space()
    await cache.set('k', 'old', { stale: '1m' })
    await cache.set('l', 'old', { stale: '1m' })

    await cache.expire('k', 'l')

    assert.is(await cache.getOrSet('k', () => 'new', { stale: '1m' }), 'new')
    const failing = cache.getOrSet('l', () => Promise.reject(new Error('down')), { stale: '1m' })
    assert.is(await failing, 'old')
  })

  const invalidations: Record<string, (cache: CacheNamespace) => Promise<unknown>> = {
    remove: (cache) => cache.remove('k'),
    removeByTag: (cache) => cache.removeByTag('t'),
    expire: (cache) => cache.expire('k'),
    expireByTag: (cache) => cache.expireByTag('t'),
    clear: (cache) => cache.clear(),
    set: (cache) => cache.set('k', 'written'),
  }
  for (const [verb, invalidate] of Object.entries(invalidations))
    check(`${verb} beats a factory in flight`, async () => {
      const cache = space()
      let release = (_value: string) => {}
      let start = () => {}
      const slow = new Promise<string>((resolve) => (release = resolve))
      const started = new Promise<void>((resolve) => (start = resolve))

      const caller = cache.getOrSet('k', () => (start(), slow), { tags: ['t'] })
      await started
      await invalidate(cache)
      const later = cache.getOrSet('k', () => 'new', { tags: ['t'] })
      release('old')

      assert.is(await caller, 'old', 'who asked before gets what was there before')
      const expected = verb === 'set' ? 'written' : 'new'
      assert.is(await later, expected)
      assert.is(await cache.get('k'), expected)
    })

  check('a stale value that is removed while somebody asks for it does not come back', async () => {
    const cache = space()
    const options = { stale: '1m', tags: ['t'], backoff: '1m' }
    const fail = () => Promise.reject(new Error('down'))
    for (const remove of [() => cache.remove('k'), () => cache.removeByTag('t')]) {
      await cache.set('k', 'old', options)
      await cache.expire('k')

      const asking = cache
        .getOrSet('k', fail, options)
        .then(String, (error: Error) => error.message)
      await remove()
      await asking

      assert.is((await rejects(cache.getOrSet('k', fail, options))).message, 'down')
    }
  })

  check(
    'a tag that the factory names on the way counts, also for a change while it ran',
    async () => {
      const cache = space()
      await cache.getOrSet('k', ({ setTags }) => (setTags(['late']), 1))
      assert.is(await cache.get('k'), 1)
      await cache.removeByTag('late')
      assert.is(await cache.get('k'), undefined)

      await cache.getOrSet('k', async ({ setTags }) => {
        await cache.removeByTag('late')
        setTags(['late'])
        return 2
      })

      assert.is(await cache.get('k'), undefined)
    },
  )

  check(
    'a factory sets the time of its value, sees the stale one, and may skip the store',
    async () => {
      const cache = space()
      await cache.getOrSet('k', ({ setTtl }) => (setTtl('10m'), 'short'), {
        ttl: '20m',
        stale: '1h',
      })
      await pass(11 * minuteMs)

      const skipped = await cache.getOrSet<string | undefined>(
        'k',
        ({ stale, skip }) => skip(`${stale}!`),
        { stale: '1h' },
      )

      assert.is(skipped, 'short!')
      assert.is(await cache.get('k'), undefined)
    },
  )

  check('many at once: the loader gets the keys that miss, in one call', async () => {
    const cache = space()
    await cache.set('a', 1)
    const asked: (readonly string[])[] = []

    const values = await cache.getOrSetMany<number | null>(['a', 'b', 'c', 'b', 'd'], (missing) => {
      asked.push(missing.toSorted())
      return Promise.resolve(
        new Map([
          ['b', 2],
          ['c', null],
        ]),
      )
    })

    assert.equal(asked, [['b', 'c', 'd']])
    assert.equal(Object.fromEntries(values), { a: 1, b: 2, c: null })
    assert.equal(Object.fromEntries(await cache.getMany(['a', 'b', 'c', 'd'])), {
      a: 1,
      b: 2,
      c: null,
    })
  })

  check('many at once: an error of the loader is the error', async () => {
    const cache = space()

    const error = await rejects(
      cache.getOrSetMany(['a', 'b'], () => Promise.reject(new Error('down'))),
    )

    assert.is(error.message, 'down')
  })

  check(
    'past its share of the time a value is refreshed ahead, once, and nobody waits',
    async () => {
      const cache = space()
      const options = { ttl: '20m', eager: 0.25 }
      let calls = 0
      await cache.set('k', 'old', options)
      await pass(10 * minuteMs)
      const factory = async () => (await sleep(20), calls++, 'new')

      const before = await Promise.all(
        Array.from({ length: 20 }, () => cache.getOrSet('k', factory, options)),
      )
      await until(async () => (await cache.get('k')) === 'new')

      assert.ok(before.every((value) => value === 'old'))
      assert.is(await cache.getOrSet('k', never, options), 'new')
      assert.is(calls, 1)
    },
  )
}
