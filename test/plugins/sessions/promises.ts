import { setTimeout as sleep } from 'node:timers/promises'

import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { Browser, holding } from './world.ts'
import type { Instance } from './world.ts'

/** Two instances on one store; on memory both are the same one. */
export interface Pair {
  readonly a: Instance
  readonly b: Instance
}

const times = (count: number) => Array.from({ length: count }, (_, index) => index)
const scale = Number(process.env['TEST_SCALE'] ?? 1)

/** What sessions promise on every store. Numbers are those of the issue (S1 to S12). */
export function sessionPromises(test: Test<unknown>, store: string, pairOf: () => Pair): void {
  test(`${store}: of 20 pairs of concurrent writes none is lost`, async () => {
    const { a, b } = pairOf()
    const browser = new Browser()
    await browser.login(a)

    for (const index of times(20 * scale)) {
      const [left, right] = [browser.copy(), browser.copy()]
      await Promise.all([
        left.write(a, 'left', index, 'ms=10'),
        right.write(b, 'right', index, 'ms=10'),
      ])

      assert.is(await browser.read(a, 'left'), index)
      assert.is(await browser.read(b, 'right'), index)
    }
  })

  test(`${store}: 20 requests at once write 20 fields`, async () => {
    const { a, b } = pairOf()
    const browser = new Browser()
    await browser.login(a)

    const writes = times(20).map((i) =>
      browser.copy().write(i % 2 === 0 ? a : b, `f${i}`, i, 'ms=5'),
    )
    const replies = await Promise.all(writes)

    assert.ok(replies.every(({ status }) => status === 200))
    for (const i of times(20)) assert.is(await browser.read(a, `f${i}`), i)
  })

  test(`${store}: logged out during a request, it stays logged out`, async () => {
    assert.is(
      await aliveAfter(pairOf(), (b, browser) =>
        browser.send(b, { method: 'DELETE', url: '/auth/session' }),
      ),
      0,
    )
  })

  test(`${store}: replaced at a login during a request, the old one stays dead`, async () => {
    assert.is(await aliveAfter(pairOf(), (b, browser) => browser.login(b)), 0)
  })

  test(`${store}: revoked everywhere during a request, it stays revoked`, async () => {
    assert.is(await aliveAfter(pairOf(), (b) => b.services.sessions.revokeAll('alice')), 0)
  })

  test(`${store}: revoked everywhere while it takes a new id, neither id lives`, async () => {
    const { a, b } = pairOf()
    for (const round of times(30 * scale)) {
      const browser = new Browser()
      await browser.login(a)
      const old = browser.copy()

      const renewing = browser.send(a, { method: 'POST', url: '/auth/session' })
      await sleep(round % 3)
      await b.services.sessions.revokeAll('alice')
      const { status } = await renewing
      assert.ok(status === 201 || status === 401, String(status))

      assert.not(await old.isKnown(b))
      assert.not(await browser.isKnown(a))
      assert.is((await a.services.sessions.list('alice')).length, 0)
    }
  })

  test(`${store}: a new id that only the old session proves falls with it, a proven login does not`, async () => {
    const { a, b } = pairOf()
    const [taken, proven] = [new Browser(), new Browser()]
    await taken.login(a)
    await proven.login(a)
    const holds = [holding(), holding()]
    const login = (i: number) => `/login/alice?${holds[i]?.query ?? ''}`
    const slow = { method: 'POST', body: {} }

    const replies = [
      taken.send(a, { ...slow, url: login(0) }),
      proven.send(a, { ...slow, url: login(1), as: { subject: 'alice' } }),
    ]
    await Promise.all(holds.map(({ reached }) => reached))
    await b.services.sessions.revokeAll('alice')
    for (const { release } of holds) release()
    const [first, second] = await Promise.all(replies)

    assert.equal([first?.status, second?.status], [401, 204])
    assert.not(await taken.isKnown(b))
    assert.ok(await proven.isKnown(b))
    await b.services.sessions.revokeAll('alice')
  })

  test(`${store}: a request whose session ended says so and writes nothing`, async () => {
    const { a, b } = pairOf()
    const browser = new Browser()
    await browser.login(a)

    const { query, reached, release } = holding()
    const writing = browser.copy().write(a, 'x', 1, query)
    await reached
    await b.services.sessions.revokeAll('alice')
    release()
    const reply = await writing

    assert.is(reply.status, 401)
    assert.is((reply.json() as { code: string }).code, 'session_ended')
    assert.is(reply.headers['set-cookie'], undefined)
  })

  test(`${store}: a login always gets a new id, and the old one is nobody`, async () => {
    const { a, b } = pairOf()
    const browser = new Browser()
    await browser.write(a, 'cart', 'book')
    for (const _ of times(10)) {
      const old = browser.copy()
      await browser.login(a)
      assert.is.not(browser.id, old.id)
      assert.not(await old.isKnown(b))
    }
    assert.is(await browser.read(b, 'cart'), 'book')
  })

  test(`${store}: what one person kept is not handed to the next on the same browser`, async () => {
    const { a } = pairOf()
    const browser = new Browser()
    await browser.login(a, 'alice')
    await browser.write(a, 'cart', 'book')

    await browser.login(a, 'bob')

    assert.is(await browser.read(a, 'cart'), null)
  })

  test(`${store}: a login on one instance is known to the other at the next request`, async () => {
    const { a, b } = pairOf()
    const browser = new Browser()
    await browser.login(a)
    assert.ok(await browser.isKnown(b))

    await a.services.sessions.revokeAll('alice')

    assert.not(await browser.isKnown(b))
  })

  test(`${store}: three devices are listed by handles that are no ids, and one can be revoked`, async () => {
    const { a, b } = pairOf()
    await a.services.sessions.revokeAll('carol')
    const devices = [new Browser(), new Browser(), new Browser()]
    for (const [index, device] of devices.entries()) {
      const as = { subject: 'carol' }
      const headers = { 'user-agent': `device ${index}` }
      await device.send(a, { method: 'POST', url: '/auth/session', as, headers })
    }
    const [first = new Browser(), second = new Browser()] = devices

    const reply = await first.send(b, { url: '/auth/sessions' })
    const { items } = reply.json() as {
      items: { handle: string; current: boolean; userAgent: string }[]
    }

    assert.is(items.length, 3)
    assert.equal(items.map(({ userAgent }) => userAgent).toSorted(), [
      'device 0',
      'device 1',
      'device 2',
    ])
    assert.is(items.find(({ current }) => current)?.userAgent, 'device 0')
    assert.ok(items.every(({ handle }) => devices.every(({ id }) => id !== handle)))

    const handle = items.find(({ userAgent }) => userAgent === 'device 1')?.handle ?? ''
    const gone = await first.send(a, { method: 'DELETE', url: `/auth/sessions/${handle}` })
    assert.is(gone.status, 204)
    assert.not(await second.isKnown(b))
    const again = await first.send(a, { method: 'DELETE', url: `/auth/sessions/${handle}` })
    assert.is(again.status, 404)
  })

  test(`${store}: nobody revokes the session of another`, async () => {
    const { a } = pairOf()
    const [mallory, alice] = [new Browser(), new Browser()]
    await mallory.login(a, 'mallory')
    await alice.login(a, 'alice')
    const [info] = await a.services.sessions.list('alice')

    const reply = await mallory.send(a, {
      method: 'DELETE',
      url: `/auth/sessions/${info?.handle ?? ''}`,
    })

    assert.is(reply.status, 404)
    assert.ok(await alice.isKnown(a))
  })

  test(`${store}: log out everywhere can keep the device that asks`, async () => {
    const { a, b } = pairOf()
    await a.services.sessions.revokeAll('dave')
    const [here, there] = [new Browser(), new Browser()]
    await here.login(a, 'dave')
    await there.login(b, 'dave')

    const reply = await here.send(b, { method: 'DELETE', url: '/auth/sessions?keep=current' })

    assert.equal(reply.json(), { ended: 1 })
    assert.ok(await here.isKnown(a))
    assert.not(await there.isKnown(a))
  })

  test(`${store}: what a handler that throws has written is not saved`, async () => {
    const { a } = pairOf()
    const browser = new Browser()
    await browser.login(a)

    const reply = await browser.write(a, 'fail')

    assert.is(reply.status, 500)
    assert.is(await browser.read(a, 'fail'), null)
  })

  test(`${store}: a field may have any name`, async () => {
    const { a } = pairOf()
    const browser = new Browser()
    await browser.login(a)
    for (const field of [
      '__proto__',
      'constructor',
      'save',
      'regenerate',
      'maxAge',
      'toJSON',
      '_x',
      'subject',
      'data',
    ]) {
      assert.is((await browser.write(a, field, 'kept')).status, 200)
      assert.is(await browser.read(a, field), 'kept', field)
    }
    assert.ok(await browser.isKnown(a))
  })

  test(`${store}: a session that would hold too much is refused, and keeps what it had`, async () => {
    const { a } = pairOf()
    const browser = new Browser()
    await browser.login(a)
    await browser.write(a, 'small', 1)

    const reply = await browser.write(a, 'large', 'x'.repeat(5_000))

    assert.is(reply.status, 413)
    assert.is(await browser.read(a, 'small'), 1)
    assert.ok(await browser.isKnown(a))
  })

  test(`${store}: a further login than allowed ends the session unused for longest`, async () => {
    const { a } = pairOf()
    await a.services.sessions.revokeAll('erin')
    const devices = times(21).map(() => new Browser())
    for (const device of devices) {
      await device.login(a, 'erin')
      a.clock.advance(5)
    }
    assert.is((await a.services.sessions.list('erin')).length, 20)
    assert.not(await devices[0]?.isKnown(a))
    assert.ok(await devices[20]?.isKnown(a))
  })
}

/** Ten requests in flight while their session ends: how many of those sessions are alive afterwards. */
async function aliveAfter(
  { a, b }: Pair,
  end: (instance: Instance, browser: Browser) => Promise<unknown>,
): Promise<number> {
  let alive = 0
  for (const _ of times(10 * scale)) {
    const browser = new Browser()
    await browser.login(a)
    const old = browser.copy()
    const { query, reached, release } = holding()
    const inFlight = old.copy().write(a, 'x', 1, query)
    await reached
    await end(b, browser)
    release()
    await inFlight
    if (await old.isKnown(a)) alive += 1
    if (await old.isKnown(b)) alive += 1
  }
  return alive
}
