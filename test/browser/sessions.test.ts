import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { SignJWT } from 'jose'
import { chromium } from 'playwright-core'
import type { BrowserContext, Page } from 'playwright-core'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { startServer } from '../harness/process.ts'
import type { ServerProcess } from '../harness/process.ts'
import { skip } from '../harness/skip.ts'
import { Front } from './sessions-front.ts'

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
if (program === undefined) skip('a Chromium', 'apt-get install chromium')
if (!['/usr/bin/openssl', '/bin/openssl'].some(existsSync))
  skip('openssl', 'apt-get install openssl')

const secrets = {
  JWT_SECRET_KEY: 'p5Tn8Wv1Xq4Zc7Ub2Yd6Ek9Rf3Gh0JmLs-browser',
  SESSION_SECRET: 'd2Fg5Hj8Kl1Zx4Cv7Bn0Mq3We6Rt9YuOp-browser',
}
const manifest = (origins: readonly string[], cookie: object = {}) => `
server: { port: 0, operations: "127.0.0.1:0", dataDir: "\${DATA_DIR}", origins: ${JSON.stringify(origins)} }
plugins:
  auth: { config: { secret: "\${JWT_SECRET_KEY}" } }
  sessions: { config: { secret: "\${SESSION_SECRET}", cookie: ${JSON.stringify(cookie)} } }
`

const secure = new Front('https')
const plain = new Front('http')
let production: ServerProcess
let development: ServerProcess
let context: BrowserContext
let token: string

test.before(async () => {
  await secure.open()
  await plain.open()
  const partner = secure.origin('app.partner.test')
  const env = { ...secrets, NODE_ENV: 'production', PUBLIC_URL: secure.origin('api.test') }
  const text = manifest([partner])
  const both = [
    startServer({ manifest: text, env }),
    startServer({ manifest: text, env: secrets }),
  ] as const
  token = await tokenOf('alice')
  context = await browserThat('sends cookies to other sites')
  ;[production, development] = await Promise.all(both)
  secure.target = production.url
  plain.target = development.url
})
test.after(async () => {
  await context.close()
  for (const profile of profiles) rmSync(profile, { recursive: true, force: true })
  secure.close()
  plain.close()
  await Promise.all([production.stop(), development.stop()])
})
test.after.each(async () => {
  await context.clearCookies()
  for (const page of context.pages().slice(1)) await page.close()
})

/** As anybody makes one who has the secret. */
const tokenOf = (subject: string) =>
  new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setIssuer('autodocops')
    .setAudience('autodocops')
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(secrets.JWT_SECRET_KEY))

const profiles: string[] = []

/** Some browsers, and Debian's Chromium, send no cookie from one site to another unless it is partitioned. */
async function browserThat(does: 'sends cookies to other sites' | 'keeps sites apart') {
  const profile = mkdtempSync(join(tmpdir(), 'autodocops-chromium-'))
  profiles.push(profile)
  const mode = does === 'keeps sites apart' ? 1 : 0
  mkdirSync(join(profile, 'Default'))
  const preferences = { profile: { cookie_controls_mode: mode } }
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  return chromium.launchPersistentContext(profile, {
    executablePath: program ?? '',
    ignoreHTTPSErrors: true,
    args: ['--no-sandbox', '--host-resolver-rules=MAP *.test 127.0.0.1'],
  })
}

interface Asked {
  readonly status: number
  readonly body: { readonly subject?: string; readonly via?: string; readonly code?: string }
}

/** A script of the page asks the server, with whatever cookies the browser sends along. */
const ask = (page: Page, url: string, init: RequestInit = {}): Promise<Asked> =>
  page.evaluate(
    async ([to, options]) => {
      const reply = await fetch(to, { credentials: 'include', ...options })
      const text = await reply.text()
      return { status: reply.status, body: text === '' ? {} : (JSON.parse(text) as object) }
    },
    [url, init] as const,
  )

async function pageOf(front: Front, name: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${front.origin(name)}/page`)
  return page
}

async function login(front: Front, name: string): Promise<Page> {
  const page = await pageOf(front, name)
  const headers = { authorization: `Bearer ${token}` }
  const { status } = await ask(page, '/auth/session', { method: 'POST', headers })
  assert.is(status, 201)
  return page
}

const api = () => secure.origin('api.test')

test('over https the browser keeps the cookie as it was meant, and hides it from scripts', async () => {
  const page = await login(secure, 'api.test')

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
  const page = await login(secure, 'api.test')

  assert.is((await ask(page, '/auth/session', { method: 'DELETE' })).status, 204)

  assert.equal(await context.cookies(), [])
  assert.is((await ask(page, '/auth/session')).status, 401)
})

test('a page of an allowed site reads and writes with the session', async () => {
  await login(secure, 'api.test')
  const partner = await pageOf(secure, 'app.partner.test')

  const read = await ask(partner, `${api()}/auth/session`)
  const renewed = await ask(partner, `${api()}/auth/session`, { method: 'POST' })

  assert.equal([read.status, read.body.subject], [200, 'alice'])
  assert.is(renewed.status, 201)
  assert.is((await ask(partner, `${api()}/auth/session`)).status, 200)
})

test('a script of any other site can neither read nor write, though its cookie is sent', async () => {
  const own = await login(secure, 'api.test')
  const evil = await pageOf(secure, 'evil.test')
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
  const own = await login(secure, 'api.test')
  const evil = await pageOf(secure, 'evil.test')
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

test('in development the Secure cookie is kept over plain http on localhost', async () => {
  const page = await login(plain, 'localhost')

  const [cookie] = await context.cookies()

  assert.equal([cookie?.name, cookie?.secure], ['sid', true])
  assert.is((await ask(page, '/auth/session')).status, 200)
})

test('where browsers keep sites apart, a partitioned session works inside another site', async () => {
  const apart = new Front('https')
  await apart.open()
  const partner = secure.origin('app.partner.test')
  const env = { ...secrets, NODE_ENV: 'production', PUBLIC_URL: apart.origin('api.test') }
  const server = await startServer({ manifest: manifest([partner], { partitioned: true }), env })
  apart.target = server.url
  const strict = await browserThat('keeps sites apart')
  const page = await strict.newPage()
  await page.goto(`${partner}/page`)
  const url = `${apart.origin('api.test')}/auth/session`

  const headers = { authorization: `Bearer ${token}` }
  assert.is((await ask(page, url, { method: 'POST', headers })).status, 201)
  const { status, body } = await ask(page, url)

  assert.equal([status, body.subject, body.via], [200, 'alice', 'session'])
  await strict.close()
  apart.close()
  await server.stop()
})

test.run()
