import type { CacheNamespace } from 'autodocops/plugins/cache'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Check, Space } from './kit.ts'
import { clockFacts } from './clocks.ts'
import { codeOf, never, rejects } from './kit.ts'
import type { Rig, RigOptions } from './rig.ts'
import { pass } from './rig-clock.ts'
import { until } from './rig.ts'
import { sourceFacts } from './sources.ts'

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
  valueFacts(check, space, () => rig)
  sourceFacts(check, space, (ms) => pass(ms, rig))
  clockFacts(check, space, () => rig)
  check.run()
}

/** Over everything in it. */
function scribble(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  for (const member of Object.values(value)) scribble(member)
  for (const name of Object.keys(value)) Reflect.set(value, name, 'scribbled')
  Object.assign(value, { more: 'scribbled' })
}

function valueFacts(check: Check, space: Space, rigOf: () => Rig): void {
  check('a value that was set is read, as a copy', async () => {
    const cache = space()
    const value = { list: [1, { deep: 'ä' }] }

    await cache.set('k', value)
    const first = await cache.get<typeof value>('k')
    first?.list.push(2)

    assert.equal(await cache.get('k'), { list: [1, { deep: 'ä' }] })
  })

  check("every read is the reader's own, down to the last member", async () => {
    const cache = space()
    const text = '{"a":[{"b":[1,{"c":null}]},[]],"__proto__":{"d":{"e":-1.5}},"2":"two","1":"one"}'
    const values = new Map([
      ['small', text],
      ['large', `{"long":"${'x'.repeat(9_000)}",${text.slice(1)}`],
      ['list', `[${text},${text}]`],
      ['text', '"text"'],
    ])

    for (const [key, json] of values) {
      await cache.set(key, JSON.parse(json))
      for (let read = 0; read < 4; read++) {
        const value = await cache.getOrSet<unknown>(key, never)
        assert.is(JSON.stringify(value), JSON.stringify(JSON.parse(json)), `${key}, read ${read}`)
        scribble(value)
      }
    }
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

  check('a value is gone when its time is over', async () => {
    const cache = space()

    await cache.set('short', 1, { ttl: 300 })
    await cache.set('long', 1, { ttl: '10m' })

    await until(async () => (await cache.get('short')) === undefined)
    assert.is(await cache.get('long'), 1)
    await pass(11 * 60_000, rigOf())
    assert.is(await cache.get('long'), undefined)
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
      () => rigOf().cache.namespace('a b'),
      (error: Error) => codeOf(error) === 'cache_key_invalid',
    )
  })

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
}
