import { SessionEvents } from 'autodocops/plugins/sessions'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Browser, start } from './world.ts'
import type { Instance } from './world.ts'

const hour = 3_600_000
let instance: Instance
let browser: Browser

test.before.each(async () => {
  instance = await start()
  browser = new Browser()
  await browser.login(instance)
})
test.after.each(() => instance.stop())

const operations = (of: Instance) => of.heard(SessionEvents, 'sessions:operation-finished')

test('100 reads of a fresh session are 100 loads and no write, and set no cookie', async () => {
  const seen = operations(instance)

  for (let i = 0; i < 100; i += 1) {
    await browser.isKnown(instance)
    assert.is(browser.setCookie, '')
  }

  assert.is(seen.length, 100)
  assert.ok(seen.every(({ operation, outcome }) => operation === 'load' && outcome === 'ok'))
})

test('a request whose handler opens the session too reads it once', async () => {
  const seen = operations(instance)

  await browser.send(instance, { method: 'POST', url: '/login/alice', body: {} })

  assert.is(seen.filter(({ operation }) => operation === 'load').length, 1)
})

test('past half of its time a session is renewed by the next request, once, with its cookie', async () => {
  instance.clock.advance(4 * hour + 1)
  const seen = operations(instance)

  for (let i = 0; i < 10; i += 1) await browser.isKnown(instance)

  assert.is(seen.filter(({ operation }) => operation === 'touch').length, 1)
  instance.clock.advance(7 * hour)
  assert.ok(await browser.isKnown(instance))
  assert.match(browser.setCookie, /^sid=/)
})

test('unused for 8 hours a session is over', async () => {
  instance.clock.advance(8 * hour - 1)
  const twin = browser.copy()
  instance.clock.advance(1)

  assert.not(await twin.isKnown(instance))
})

test('7 days after the login a session is over, however much it was used', async () => {
  for (let hours = 0; hours < 7 * 24; hours += 6) {
    assert.ok(await browser.isKnown(instance), `after ${hours} hours`)
    instance.clock.advance(6 * hour)
  }
  assert.not(await browser.isKnown(instance))
})

test('a new id that was taken with the session itself does not make it live longer', async () => {
  for (let hours = 0; hours < 7 * 24; hours += 6) {
    const reply = await browser.send(instance, { method: 'POST', url: '/auth/session' })
    assert.is(reply.status, 201)
    instance.clock.advance(6 * hour)
  }
  assert.not(await browser.isKnown(instance))
})

test('logging out twice is logging out once', async () => {
  const ended = instance.heard(SessionEvents, 'sessions:destroyed')
  const twin = browser.copy()
  for (const one of [browser, twin]) {
    const reply = await one.send(instance, { method: 'DELETE', url: '/auth/session' })
    assert.is(reply.status, 204)
    assert.match(one.setCookie, /^sid=; .*1970/)
  }
  assert.equal(ended, [{ reason: 'logout' }])
})

test('1,000 forged cookies never reach the store', async () => {
  const seen = operations(instance)
  const forged = [
    `sid=${browser.id}.${'A'.repeat(43)}`,
    `sid=${browser.id}`,
    `sid=${browser.id}.`,
    'sid=.',
    `${browser.cookie}x`,
    browser.cookie.replace('sid=', 'sid=x'),
    `sid=${'%00'.repeat(50)}.x`,
    'sid=💥.💥',
  ].map((cookie) => Buffer.from(cookie).toString('latin1'))

  for (let i = 0; i < 1_000; i += 1) {
    const cookie = forged[i % forged.length] ?? ''
    const reply = await instance.inject({ url: '/auth/session', headers: { cookie } })
    assert.is(reply.status, 401)
  }

  assert.is(seen.length, 0)
})

test('a visitor of an optional route whose session is over is anonymous', async () => {
  await instance.services.sessions.revokeAll('alice')
  const reply = await browser.send(instance, { method: 'DELETE', url: '/auth/session' })
  assert.is(reply.status, 204)
})

test('a cookie gives the same principal as the credential that opened it', async () => {
  const as = { subject: 'zoë', scopes: ['a', 'b'], via: 'jwt' }
  await browser.send(instance, { method: 'POST', url: '/auth/session', as })

  const [byCookie, byToken] = [
    await browser.send(instance, { url: '/auth/session' }),
    await instance.inject({ url: '/auth/session', as }),
  ].map((reply) => reply.json() as { subject: string; scopes: string[]; via: string })

  assert.equal([byCookie?.subject, byCookie?.scopes], [byToken?.subject, byToken?.scopes])
  assert.is(byCookie?.via, 'session')
})

test('an API key cannot open a session, which would outlive it', async () => {
  const as = { subject: 'robot', via: 'api-key' }
  const reply = await instance.inject({ method: 'POST', url: '/auth/session', as })
  assert.is(reply.status, 403)
})

test('events tell of each beginning and each end', async () => {
  const created = instance.heard(SessionEvents, 'sessions:created')
  const ended = instance.heard(SessionEvents, 'sessions:destroyed')

  await browser.login(instance)
  await browser.send(instance, { method: 'DELETE', url: '/auth/sessions' })
  await browser.login(instance)
  instance.clock.advance(8 * hour)
  await browser.isKnown(instance)

  assert.is(created.length, 2)
  assert.equal(
    ended.map(({ reason }) => reason),
    ['rotated', 'revoked'],
  )
})

test.run()
