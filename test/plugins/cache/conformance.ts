import { setTimeout as sleep } from 'node:timers/promises'

import { ProblemError } from 'autodocops'
import type { CacheNamespace } from 'autodocops/plugins/cache'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Rig, RigOptions } from './rig.ts'

export async function rejects(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not reject')
}

const codeOf = (error: Error): string =>
  error instanceof ProblemError ? error.code : error.message
const never = (): never => {
  throw new Error('the factory was called')
}

/** What every cache owes, whatever it stands on. `open` gives a new instance on the same store. */
export function cacheSuite(name: string, open: (options?: RigOptions) => Promise<Rig>): void {
  const check = suite(name)
  let rig: Rig
  let turn = 0
  const space = (): CacheNamespace => rig.cache.namespace(`s${turn++}`)

  check.before(async () => {
    rig = await open({ cache: { ttl: '60s', jitter: 0 } })
  })
  check.after(() => rig.stop())

  check('a value that was set is read, as a copy', async () => {
    const cache = space()
    const value = { list: [1, { deep: 'ä' }] }

    await cache.set('k', value)
    const first = await cache.get<typeof value>('k')
    first?.list.push(2)

    assert.equal(await cache.get('k'), { list: [1, { deep: 'ä' }] })
  })

  check('null is cached', async () => {
    const cache = space()

    await cache.set('k', null)

    assert.is(await cache.getOrSet('k', never), null)
  })

  check('undefined and functions are refused, and the factory is called once', async () => {
    const cache = space()
    let calls = 0

    const set = await rejects(cache.set('k', undefined))
    const made = await rejects(
      cache.getOrSet('k', () => {
        calls++
        return undefined
      }),
    )

    assert.equal(
      [codeOf(set), codeOf(made), calls],
      ['cache_value_undefined', 'cache_value_undefined', 1],
    )
  })

  check('a removed value is gone', async () => {
    const cache = space()
    await cache.set('a', 1)
    await cache.set('b', 2)

    await cache.remove('a', 'b')

    assert.equal([await cache.get('a'), await cache.get('b')], [undefined, undefined])
  })

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

  check('a value is gone when its time is over', async () => {
    const cache = space()

    await cache.set('k', 1, { ttl: 300 })

    assert.is(await cache.get('k'), 1)
    await sleep(350)
    assert.is(await cache.get('k'), undefined)
  })

  check('a time that is none is refused', async () => {
    const cache = space()

    for (const ttl of [
      0,
      Number.NaN,
      -5,
      1.5,
      Number.POSITIVE_INFINITY,
      31 * 86_400_000,
      '20',
      'soon',
    ])
      assert.is(
        codeOf(await rejects(cache.set('k', 1, { ttl }))),
        'cache_option_invalid',
        String(ttl),
      )
    assert.is(await cache.get('k'), undefined)
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
      const options = { ttl: 50, stale: '1m', backoff: '1m' }
      await cache.set('k', 'old', options)
      await sleep(60)

      const values: string[] = []
      for (let i = 0; i < 11; i++) values.push(await cache.getOrSet('k', fail, options))

      assert.is(calls, 1)
      assert.ok(values.every((value) => value === 'old'))
      assert.is(await cache.get('k'), undefined, 'get gives fresh values only')
    },
  )

  check('what a source says on purpose is not hidden by a stale value', async () => {
    const cache = space()
    await cache.set('k', 'old', { ttl: 50, stale: '1m' })
    await sleep(60)
    const gone = () => {
      throw new ProblemError('project_not_found', { status: 404, title: 'gone' }, undefined)
    }

    const error = await rejects(cache.getOrSet('k', gone, { stale: '1m' }))

    assert.is(codeOf(error), 'project_not_found')
  })

  check('past `soft` a stale value is served, and the factory goes on', async () => {
    const cache = space()
    const options = { ttl: 50, stale: '1m', soft: 100 }
    await cache.set('k', 'old', options)
    await sleep(60)
    const startedAt = performance.now()

    const value = await cache.getOrSet('k', () => sleep(250, 'new'), { ...options, ttl: '1m' })
    const took = performance.now() - startedAt

    assert.is(value, 'old')
    assert.ok(took > 80 && took < 180, `${took} ms`)
    await sleep(300)
    assert.is(await cache.get('k'), 'new')
  })

  check('past `hard` the factory is aborted, and the next caller is not held up', async () => {
    const cache = space()
    let signal: AbortSignal | undefined
    const startedAt = performance.now()

    const error = await rejects(
      cache.getOrSet('k', (context) => ((signal = context.signal), new Promise(() => {})), {
        hard: 100,
      }),
    )
    const took = performance.now() - startedAt

    assert.is(codeOf(error), 'cache_source_timeout')
    assert.ok(took < 160, `${took} ms`)
    assert.ok(signal?.aborted)
    assert.is(await cache.getOrSet('k', () => 'next', { hard: 100 }), 'next')
  })

  check('removing by tag takes what carries it, and nothing else', async () => {
    const cache = space()
    await cache.set('a', 1, { tags: ['red', 'big'] })
    await cache.set('b', 2, { tags: ['red'] })
    await cache.set('c', 3, { tags: ['big'] })
    await cache.set('d', 4)

    await cache.removeByTag('red')

    const values = await cache.getMany(['a', 'b', 'c', 'd'])
    assert.equal(Object.fromEntries(values), { c: 3, d: 4 })
    await cache.set('a', 5, { tags: ['red'] })
    assert.is(await cache.get('a'), 5)
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
      const slow = new Promise<string>((resolve) => (release = resolve))

      const caller = cache.getOrSet('k', () => slow, { tags: ['t'] })
      await sleep(20)
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
      await cache.getOrSet('k', ({ setTtl }) => (setTtl(50), 'short'), { stale: '1m' })
      await sleep(60)

      const skipped = await cache.getOrSet<string | undefined>(
        'k',
        ({ stale, skip }) => skip(`${stale}!`),
        {
          stale: '1m',
        },
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

  check('clearing a namespace counts its entries and leaves the others', async () => {
    const [one, other] = [space(), space()]
    await Promise.all(Array.from({ length: 30 }, (_, i) => one.set(`k${i}`, i, { tags: ['t'] })))
    await other.set('k1', 'stays')

    const count = await one.clear()

    assert.is(count, 30)
    assert.is((await one.getMany(Array.from({ length: 30 }, (_, i) => `k${i}`))).size, 0)
    assert.is(await other.get('k1'), 'stays')
  })

  check('hostile keys stay apart', async () => {
    const cache = space()
    const keys = [
      'a b',
      'a{b}',
      '{}',
      'a}b',
      '*',
      'a*',
      '\0',
      '\n',
      'ü',
      '😀',
      '\ud800',
      '\udbff',
      '%',
      '%7B',
    ]
    keys.push('x'.repeat(2_000), 'x'.repeat(2_001), '../..', '__proto__', 'a:lease')

    await Promise.all(
      keys.map((key) => cache.set(key, `value of ${key.length} ${keys.indexOf(key)}`)),
    )

    for (const key of keys)
      assert.is(await cache.get(key), `value of ${key.length} ${keys.indexOf(key)}`)
    assert.is(await cache.clear(), keys.length)
  })

  check('an empty key and a malformed namespace are refused', async () => {
    const cache = space()

    assert.is(codeOf(await rejects(cache.get(''))), 'cache_key_invalid')
    assert.is(codeOf(await rejects(cache.removeByTag(''))), 'cache_key_invalid')
    assert.throws(
      () => rig.cache.namespace('a b'),
      (error: Error) => codeOf(error) === 'cache_key_invalid',
    )
  })

  check(
    'past its share of the time a value is refreshed ahead, once, and nobody waits',
    async () => {
      const cache = space()
      const options = { ttl: 400, eager: 0.25 }
      let calls = 0
      await cache.set('k', 'old', options)
      await sleep(150)
      const factory = async () => (await sleep(20), calls++, 'new')

      const before = await Promise.all(
        Array.from({ length: 20 }, () => cache.getOrSet('k', factory, options)),
      )
      await sleep(100)

      assert.ok(before.every((value) => value === 'old'))
      assert.is(await cache.getOrSet('k', never, { ttl: 400 }), 'new')
      assert.is(calls, 1)
    },
  )

  check(
    'a value that is too large is handed on, not kept, and takes the old one with it',
    async () => {
      const cache = space()
      const large = 'x'.repeat(1_100_000)
      await cache.set('k', 'small')

      assert.is(await cache.getOrSet('l', () => large), large)
      await cache.set('k', large)

      assert.is(await cache.get('l'), undefined)
      assert.is(await cache.get('k'), undefined)
    },
  )

  check('explain tells why a read hits or misses', async () => {
    const cache = space()

    const absent = await cache.explain('k')
    await cache.set('k', 'ä', { tags: ['t'], ttl: '1m', stale: '1h' })
    const fresh = await cache.explain('k')
    await cache.expire('k')
    const stale = await cache.explain('k')
    await cache.removeByTag('t')
    const removed = await cache.explain('k')

    assert.equal(
      [absent.memory, absent.reason, absent.expiresAt],
      ['none', 'there is no value', null],
    )
    assert.equal([fresh.memory, fresh.reason, fresh.tags, fresh.bytes], ['fresh', null, ['t'], 4])
    assert.ok(Date.parse(fresh.staleUntil ?? '') - Date.parse(fresh.expiresAt ?? '') === 3_600_000)
    assert.equal(
      [stale.memory === 'fresh', stale.reason],
      [false, 'past its time, kept for failures'],
    )
    assert.match(removed.reason ?? '', /^removed by one of its tags: t/)
  })

  check.run()
}
