import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { Secret } from '../../core/secret.ts'
import type { Authenticator, Limiter } from '../../core/slots.ts'
import { any, getting, json, open, route, serve } from './http-fixture.ts'
import type { Setup } from './http-fixture.ts'

const alice: Authenticator<never> = {
  name: 'test',
  credential: 'authorization',
  scheme: { type: 'http' },
  authenticate: (_services, { headers }) => {
    if (headers.authorization === 'Bearer alice')
      return { subject: 'alice', scopes: ['read'], via: 'test' }
    return undefined
  },
}
const cookie: Authenticator<never> = {
  name: 'cookie',
  credential: 'cookie',
  scheme: { type: 'apiKey' },
  authenticate: (_services, { ctx }) =>
    ctx.cookies.get('sid') === 'bob' ? { subject: 'bob', scopes: [], via: 'cookie' } : undefined,
}
const authenticators = [alice, cookie].map((authenticator) => ({ authenticator, services: {} }))
const whoami = (auth: 'user' | 'optional' | { scope: string }) =>
  route({
    ...open,
    auth,
    method: 'GET',
    path: '/',
    responses: any,
    handler: (_, { principal }) => ({ subject: principal?.subject ?? null }),
  })

test('a bearer credential and a cookie are both known', async () => {
  const { fetch } = await serve({ routes: [whoami('user')], authenticators })
  const bearer = await fetch('/', { headers: { authorization: 'Bearer alice' } })
  const session = await fetch('/', { headers: { cookie: 'sid=bob' } })

  assert.equal(await bearer.json(), { subject: 'alice' })
  assert.equal(await session.json(), { subject: 'bob' })
})

test('with an Authorization header no cookie is read', async () => {
  const { fetch } = await serve({ routes: [whoami('user')], authenticators })
  const headers = { authorization: 'Bearer mallory', cookie: 'sid=bob' }

  assert.is((await fetch('/', { headers })).status, 401)
})

test('an optional credential may be absent, but not wrong', async () => {
  const { fetch } = await serve({ routes: [whoami('optional')], authenticators })
  const wrong = await fetch('/', { headers: { authorization: 'Bearer mallory' } })

  assert.equal(await (await fetch('/')).json(), { subject: null })
  assert.is(wrong.status, 401)
})

test('a public route reads no credential', async () => {
  const broken: Authenticator<never> = {
    ...alice,
    authenticate: () => Promise.reject(new Error('was asked')),
  }
  const setup = {
    routes: [getting(() => 1)],
    authenticators: [{ authenticator: broken, services: {} }],
  }
  const { fetch } = await serve(setup)
  assert.is((await fetch('/', { headers: { authorization: 'Bearer x' } })).status, 200)
})

test('a scope that is missing is 403, one that is there passes', async () => {
  const headers = { authorization: 'Bearer alice' }
  const guarded = (scope: string) => serve({ routes: [whoami({ scope })], authenticators })
  const [admin, reader] = await Promise.all(['admin', 'read'].map(guarded))

  const refused = await admin?.fetch('/', { headers })
  const passed = await reader?.fetch('/', { headers })

  assert.is(refused?.status, 403)
  assert.match(refused?.headers.get('www-authenticate') ?? '', 'scope="admin"')
  assert.is(passed?.status, 200)
})

test('without any authenticator a user route answers 401', async () => {
  const { fetch } = await serve({ routes: [whoami('user')] })
  const got = await fetch('/', { headers: { authorization: 'Bearer alice' } })

  assert.is(got.status, 401)
  assert.ok(got.headers.get('www-authenticate'))
})

const budget = (allowed: boolean, asked: unknown[] = [], resetMs = 1_500): Limiter => ({
  take: (request) => {
    asked.push(request)
    return { allowed, limit: 60, remaining: allowed ? 59 : 0, resetMs, windowMs: 60_000 }
  },
})

test('a limited reply tells the budget', async () => {
  const asked: unknown[] = []
  const routes = [getting(() => 1, { limit: 'chat' })]
  const { fetch } = await serve({ routes, limiter: budget(true, asked) })
  const got = await fetch('/')

  assert.is(got.status, 200)
  assert.is(got.headers.get('ratelimit-policy'), '"chat";q=60;w=60')
  assert.is(got.headers.get('ratelimit'), '"chat";r=59;t=2')
  assert.equal(asked, [{ limit: 'chat', principal: undefined, ip: '127.0.0.1' }])
})

test('a window that has just begun resets within its length, whatever fractions the clock counts in', async () => {
  const routes = [getting(() => 1, { limit: 'chat' })]
  const endOf = (now: number) => now + 60_000 - now
  const limited = (allowed: boolean) =>
    serve({ routes, limiter: budget(allowed, [], endOf(49_564.744)) })
  const [free, empty] = await Promise.all([true, false].map(limited))
  const [passed, refused] = [await free?.fetch('/'), await empty?.fetch('/')]

  assert.ok(endOf(49_564.744) > 60_000)
  assert.is(passed?.headers.get('ratelimit'), '"chat";r=59;t=60')
  assert.is(refused?.headers.get('retry-after'), '60')
})

test('an empty budget is 429 with Retry-After, before the body is read', async () => {
  const routes = [
    route({
      ...open,
      limit: 'default',
      method: 'POST',
      path: '/',
      body: { schema: z.string(), maxBytes: 10 },
      responses: any,
      handler: () => assert.unreachable(),
    }),
  ]
  const { fetch } = await serve({ routes, limiter: budget(false) })
  const got = await fetch('/', { method: 'POST', body: 'not json' })

  assert.is(got.status, 429)
  assert.is(got.headers.get('retry-after'), '2')
  assert.is((await json(got))['code'], 'rate_limited')
})

test('with n trusted proxies the address is what the n-th of them saw', async () => {
  const ip = route({
    ...open,
    method: 'GET',
    path: '/',
    responses: any,
    handler: (_, { ip: seen, ctx }) => ({ seen, koa: ctx.ip }),
  })
  const headers = { 'x-forwarded-for': '6.6.6.6, 1.1.1.1, 2.2.2.2' }
  const expected = { 0: '127.0.0.1', 1: '2.2.2.2', 2: '1.1.1.1' }
  for (const [trusted, address] of Object.entries(expected)) {
    const { fetch } = await serve({ routes: [ip], trustedProxies: Number(trusted) })
    const got = await json(await fetch('/', { headers }))

    assert.is(got['seen'], address)
    assert.is(String(got['koa']).replace('::ffff:', ''), address)
  }
})

test('a page of an allowed origin may read replies and preflight; others may not', async () => {
  const setup = { routes: [getting(() => 1)], origins: ['https://a.example'] }
  const { fetch } = await serve(setup)
  const preflight = (origin: string) =>
    fetch('/', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    })
  const good = await preflight('https://a.example')
  const evil = await preflight('https://evil.example')
  const read = await fetch('/', { headers: { origin: 'https://a.example' } })

  assert.is(good.status, 204)
  assert.is(good.headers.get('access-control-allow-origin'), 'https://a.example')
  assert.is(good.headers.get('access-control-allow-headers'), 'authorization')
  assert.match(good.headers.get('access-control-allow-methods') ?? '', 'GET')
  assert.is(evil.headers.get('access-control-allow-origin'), null)
  assert.is(evil.headers.get('access-control-allow-methods'), null)
  assert.is(read.headers.get('access-control-allow-credentials'), 'true')
  assert.match(read.headers.get('vary') ?? '', 'Origin')
})

const operations = (more: Partial<Setup>): Setup => ({
  listener: 'operations',
  routes: [getting(() => 1)],
  ...more,
})

test('the operations listener wants its token, when there is one', async () => {
  const token = new Secret('0123456789abcdef0123456789abcdef')
  const setup = operations({ operationsToken: token, isLoopback: false })
  const { fetch, events } = await serve(setup)
  const withToken = (text: string) => fetch('/', { headers: { authorization: text } })

  assert.is((await fetch('/')).status, 401)
  assert.is((await withToken('Bearer 0123456789abcdef0123456789abcdee')).status, 401)
  assert.is((await withToken(`Bearer ${token.reveal()}`)).status, 200)
  assert.equal(events, [])
})

test('off the loopback the operations listener answers nobody without a token', async () => {
  const { fetch } = await serve(operations({ isLoopback: false }))
  assert.is((await fetch('/')).status, 401)
})

test('on the loopback the operations listener refuses browsers', async () => {
  const { fetch, raw } = await serve(operations({}))
  const page = await fetch('/', { headers: { origin: 'http://localhost:3000' } })
  const rebound = await raw('GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n')

  assert.is((await fetch('/')).status, 200)
  assert.is(page.status, 403)
  assert.is(rebound.status, 403)
})

test.run()
