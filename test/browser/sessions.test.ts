import type { BrowserContext, Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { startServer } from '../harness/process.ts'
import type { ServerProcess } from '../harness/process.ts'
import {
  ask,
  browserThat,
  manifest,
  removeProfiles,
  secrets,
  tokenOf,
} from './sessions-chromium.ts'
import { Front } from './sessions-front.ts'

const secure = new Front('https')
let production: ServerProcess
let context: BrowserContext
let token: string

test.before(async () => {
  await secure.open()
  const partner = secure.origin('app.partner.test')
  const env = { ...secrets, NODE_ENV: 'production', PUBLIC_URL: secure.origin('api.test') }
  const text = manifest([partner])
  const starting = startServer({ manifest: text, env })
  token = await tokenOf('alice')
  context = await browserThat('sends cookies to other sites')
  production = await starting
  secure.target = production.url
})
test.after(async () => {
  await context.close()
  removeProfiles()
  secure.close()
  await production.stop()
})
test.after.each(async () => {
  await context.clearCookies()
  for (const page of context.pages().slice(1)) await page.close()
})

async function pageOf(name: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${secure.origin(name)}/page`)
  return page
}

async function login(): Promise<Page> {
  const page = await pageOf('api.test')
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await ask(page, '/auth/session', { method: 'POST', headers })
  assert.is(status, 201)
  return page
}

const api = () => secure.origin('api.test')

test('over https the browser keeps the cookie as it was meant, and hides it from scripts', async () => {
  const page = await login()

  const [cookie] = await context.cookies()

  assert.is(cookie?.name, '__Host-sid')
  assert.is(cookie?.sameSite, 'None')
  assert.ok(cookie?.secure)
  assert.ok(cookie?.httpOnly)
  assert.is(await page.evaluate(() => document.cookie), '')
  const { body } = await ask(page, '/auth/session')
  assert.equal([body.subject, body.via], ['alice', 'session'])
})

test('our own page logs out, and the cookie is gone', async () => {
  const page = await login()

  assert.is((await ask(page, '/auth/session', { method: 'DELETE' })).status, 204)

  assert.equal(await context.cookies(), [])
  assert.is((await ask(page, '/auth/session')).status, 401)
})

test('a page of an allowed site reads and writes with the session', async () => {
  await login()
  const partner = await pageOf('app.partner.test')

  const read = await ask(partner, `${api()}/auth/session`)
  const renewed = await ask(partner, `${api()}/auth/session`, { method: 'POST' })

  assert.equal([read.status, read.body.subject], [200, 'alice'])
  assert.is(renewed.status, 201)
  assert.is((await ask(partner, `${api()}/auth/session`)).status, 200)
})

test('a script of any other site can neither read nor write, though its cookie is sent', async () => {
  const own = await login()
  const evil = await pageOf('evil.test')
  const [before] = await context.cookies()

  const read = await ask(evil, `${api()}/auth/session`).then(
    () => 'it was read',
    (error: unknown) => String(error),
  )
  assert.match(read, /Failed to fetch/)
  const init = { method: 'POST', credentials: 'include', mode: 'no-cors' } as const
  const write = () =>
    evil.evaluate(async ([to, options]) => void (await fetch(to, options)), [
      `${api()}/auth/session`,
      init,
    ] as const)
  await write().catch((error: unknown) => assert.match(String(error), /Failed to fetch/))

  const last = secure.answered.at(-1)
  assert.equal(
    [last?.request.method, last?.request.headers.origin],
    ['POST', secure.origin('evil.test')],
  )
  assert.match(last?.request.headers.cookie ?? '', /^__Host-sid=/)
  assert.is(last?.status, 403)
  const [after] = await context.cookies()
  assert.is(after?.value, before?.value)
  assert.is((await ask(own, '/auth/session')).status, 200)
})

test('a form of another site is refused as CSRF', async () => {
  const own = await login()
  const evil = await pageOf('evil.test')
  const answered = evil.waitForResponse((response) => response.url().endsWith('/auth/session'))

  await evil.evaluate((to) => {
    const form = document.createElement('form')
    form.method = 'POST'
    form.action = to
    document.body.append(form)
    form.submit()
  }, `${api()}/auth/session`)

  const response = await answered
  assert.is(response.status(), 403)
  assert.is(((await response.json()) as { code: string }).code, 'csrf')
  assert.is((await ask(own, '/auth/session')).status, 200)
})

test.run()
