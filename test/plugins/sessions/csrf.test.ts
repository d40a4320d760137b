import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Browser, start } from './world.ts'
import type { Instance } from './world.ts'

const partner = 'https://app.partner.example'
let instance: Instance
let browser: Browser

test.before(async () => {
  instance = await start({ server: { origins: [partner] } })
})
test.before.each(async () => {
  browser = new Browser()
  await browser.login(instance)
})
test.after(() => instance.stop())

const write = (headers: Record<string, string>, url = '/fields/x') =>
  browser.send(instance, { method: 'POST', url, headers, body: { value: 1 } })

const refused: readonly Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site', origin: 'https://blog.localhost' },
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: `${partner}.evil.example` },
  { origin: 'http://app.partner.example' },
]
for (const headers of refused)
  test(`a page of another site may not write with the cookie: ${JSON.stringify(headers)}`, async () => {
    const reply = await write(headers)

    assert.is(reply.status, 403)
    assert.is((reply.json() as { code: string }).code, 'csrf')
    assert.is(await browser.read(instance, 'x'), null)
  })

const allowed: readonly Record<string, string>[] = [
  { 'sec-fetch-site': 'same-origin', origin: 'http://localhost' },
  { 'sec-fetch-site': 'none' },
  { 'sec-fetch-site': 'cross-site', origin: partner },
  { origin: partner },
  { origin: 'http://localhost' },
  {},
]
for (const headers of allowed)
  test(`our own page, one of server.origins, and curl may: ${JSON.stringify(headers)}`, async () => {
    assert.is((await write(headers)).status, 200)
    assert.is(await browser.read(instance, 'x'), 1)
  })

test('a page of another site may not log out somebody, nor revoke', async () => {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  for (const url of ['/auth/session', '/auth/sessions']) {
    const reply = await browser.send(instance, { method: 'DELETE', url, headers })
    assert.is(reply.status, 403, url)
  }
  assert.ok(await browser.isKnown(instance))
})

test('reading is not forbidden: CORS decides who sees the reply', async () => {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  const reply = await browser.send(instance, { url: '/auth/session', headers })
  assert.is(reply.status, 200)
})

test('a bearer credential is exempt, whatever cookie comes along', async () => {
  const headers = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
  const as = { subject: 'alice' }
  const reply = await browser.send(instance, { method: 'POST', url: '/auth/session', headers, as })
  assert.is(reply.status, 201)
})

test('a forged cookie is no reason to refuse: its sender is anonymous', async () => {
  browser.cookie = 'sid=abc.def'
  const reply = await write({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' })
  assert.is(reply.status, 200)
})

test.run()
