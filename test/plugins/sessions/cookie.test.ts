import { createHmac } from 'node:crypto'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../../plugins/sessions/config.ts'
import { Browser, secret, start } from './world.ts'
import type { Setting } from './world.ts'

async function loggedIn(setting: Setting = {}): Promise<string> {
  const instance = await start(setting)
  const browser = new Browser()
  await browser.login(instance)
  await instance.stop()
  return browser.setCookie
}

const production = { production: true, publicUrl: 'https://api.example.com', loopback: false }

test('in production the cookie is bound to this host: Secure, HttpOnly, SameSite=None, 8 hours', async () => {
  const before = Date.now()

  const cookie = await loggedIn({ server: production })

  assert.match(cookie, /^__Host-sid=[\w-]{43}\.[\w-]{43}; path=\/; expires=/)
  assert.match(cookie, /; samesite=none; secure; httponly$/)
  const expires = Date.parse(/expires=([^;]+)/.exec(cookie)?.[1] ?? '')
  assert.ok(Math.abs(expires - before - 8 * 3_600_000) < 5_000)
})

test('in development it is called sid, and is Secure on plain http too', async () => {
  assert.match(await loggedIn(), /^sid=.*; secure; httponly$/)
})

test('with a domain it is called __Secure-sid', async () => {
  const cookie = await loggedIn({
    server: production,
    config: { cookie: { domain: 'example.com' } },
  })
  assert.match(cookie, /^__Secure-sid=.*; domain=example\.com;/)
})

test('it can be partitioned by the embedding site', async () => {
  const cookie = await loggedIn({ config: { cookie: { partitioned: true } } })
  assert.match(cookie, /; partitioned/)
})

test('the cookie of the end carries the same attributes', async () => {
  const instance = await start({ config: { cookie: { domain: 'example.com' } } })
  const browser = new Browser()
  await browser.login(instance)
  const rest = (cookie: string) =>
    cookie
      .split('; ')
      .filter((part) => !/^(sid|expires)=/.test(part))
      .join('; ')
  const opened = rest(browser.setCookie)

  await browser.send(instance, { method: 'DELETE', url: '/auth/session' })

  assert.match(browser.setCookie, /^sid=;/)
  assert.is(rest(browser.setCookie), opened)
  await instance.stop()
})

const signature = (id: string, key: string) =>
  createHmac('sha256', key).update(`sid=${id}`).digest('base64url')

const refused: readonly (readonly [key: string, config: object])[] = [
  ['secret', { secret: 'x'.repeat(31) }],
  ['secret', { secret: '' }],
  ['ttl', { ttl: '8d' }],
  ['ttl', { ttl: '0s' }],
  ['absolute', { absolute: '401d' }],
  ['cookie.sameSite', { cookie: { secure: false } }],
  ['cookie.partitioned', { cookie: { partitioned: true, sameSite: 'lax' } }],
  ['cookie.partitioned', { cookie: { partitioned: true, sameSite: 'strict', secure: false } }],
  ['cookie.name', { cookie: { name: '__Host-sid', domain: 'example.com' } }],
  ['cookie.name', { cookie: { name: '__HOST-sid', secure: false, sameSite: 'lax' } }],
  ['cookie.name', { cookie: { name: '__Secure-sid', secure: false, sameSite: 'lax' } }],
  ['cookie.name', { cookie: { name: 'my sid' } }],
  ['cookie.domain', { cookie: { domain: 'https://example.com' } }],
]
for (const [key, broken] of refused)
  test(`a configuration that browsers would drop is refused at ${key}: ${JSON.stringify(broken)}`, () => {
    const { error } = config.safeParse({ secret, ...broken })
    assert.is(error?.issues[0]?.path.join('.'), key)
  })

test('with a new secret a session stays, and its cookie is signed anew with all attributes', async () => {
  const next = 'another-secret-of-more-than-32-bytes-0987654321'
  const instance = await start({ config: { secret: next, previousSecret: secret } })
  const browser = new Browser()
  await browser.login(instance)
  const { cookie, setCookie } = browser
  browser.cookie = `sid=${browser.id}.${signature(browser.id, secret)}`

  assert.ok(await browser.isKnown(instance))

  const withoutTime = (header: string) => header.replace(/expires=[^;]+/, '')
  assert.is(withoutTime(browser.setCookie), withoutTime(setCookie))
  assert.is(browser.cookie, cookie)
  assert.ok(await browser.isKnown(instance))
  assert.is(browser.setCookie, '')
  await instance.stop()
})

test('a cookie signed by neither secret is nobody', async () => {
  const instance = await start()
  const browser = new Browser()
  await browser.login(instance)
  browser.cookie = `sid=${browser.id}.${signature(browser.id, 'x'.repeat(40))}`

  assert.not(await browser.isKnown(instance))
  await instance.stop()
})

test('on plain http off the loopback the operator is warned', async () => {
  const plain = await start({ server: { publicUrl: 'http://10.0.0.5:8080', loopback: false } })
  const behindTls = await start({ server: production })

  assert.is(plain.logs.filter(({ level }) => level === 'warn').length, 1)
  assert.is(behindTls.logs.filter(({ level }) => level === 'warn').length, 0)
  await plain.stop()
  await behindTls.stop()
})

test.run()
