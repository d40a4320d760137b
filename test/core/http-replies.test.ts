import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { problems } from '../../core/errors.ts'
import { reply } from '../../core/route.ts'
import { any, getting, json, open, route, serve } from './http-fixture.ts'

const E = problems({
  own_refusal: {
    status: 409,
    title: 'Refused',
    detail: ({ id }: { id: number }) => `no ${id}`,
    hint: 'Try another.',
  },
  own_failure: { status: 502, title: 'Broken', detail: 'with inner facts' },
})

test('what a handler returns is the body with 200, and nothing is 204', async () => {
  const routes = [
    route({ ...open, method: 'GET', path: '/json', responses: any, handler: () => ({ a: 1 }) }),
    route({ ...open, method: 'GET', path: '/null', responses: any, handler: () => null }),
    route({ ...open, method: 'GET', path: '/none', responses: any, handler: () => undefined }),
    route({
      ...open,
      method: 'GET',
      path: '/text',
      responses: { 200: { contentType: 'text/html' } },
      handler: () => '<p>',
    }),
  ]
  const { fetch } = await serve({ routes })
  assert.equal(await (await fetch('/json')).json(), { a: 1 })
  assert.is(await (await fetch('/null')).text(), 'null')
  assert.is((await fetch('/none')).status, 204)
  const html = await fetch('/text')
  assert.is(html.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.is(await html.text(), '<p>')
})

test('a reply gives status, body and headers, several of one name too', async () => {
  const headers = { 'set-cookie': ['a=1', 'b=2'], 'cache-control': 'public' }
  const { fetch } = await serve({ routes: [getting(() => reply(201, 'x', headers))] })
  const got = await fetch('/')

  assert.is(got.status, 201)
  assert.equal(got.headers.getSetCookie(), ['a=1', 'b=2'])
  assert.is(got.headers.get('cache-control'), 'public')
})

test('what is set through the Koa context goes out, and is not overwritten by a default', async () => {
  const routes = [
    route({
      ...open,
      method: 'GET',
      path: '/',
      responses: any,
      handler: (_, { ctx }) => {
        ctx.set('Cache-Control', 'max-age=9')
        ctx.cookies.set('sid', 'x')
        return ctx.query
      },
    }),
  ]
  const { fetch } = await serve({ routes })
  const got = await fetch('/?a=1')

  assert.is(got.headers.get('cache-control'), 'max-age=9')
  assert.match(got.headers.get('set-cookie') ?? '', 'sid=x')
  assert.equal(await got.json(), { a: '1' })
})

test('every reply has a request id, no-store and the security headers', async () => {
  const { fetch } = await serve({ routes: [getting(() => 1)] })
  for (const path of ['/', '/nothing']) {
    const { headers } = await fetch(path)

    assert.match(headers.get('x-request-id') ?? '', /^[\w-]{8,}$/)
    assert.is(headers.get('cache-control'), 'no-store')
    assert.is(headers.get('x-content-type-options'), 'nosniff')
    assert.match(headers.get('content-security-policy') ?? '', "frame-ancestors 'none'")
    assert.is(headers.get('x-powered-by'), null)
  }
})

test('behind a public URL of https every reply binds the browser to TLS, elsewhere none does', async () => {
  const hstsAt = async (publicUrl: string) => {
    const got: (string | null)[] = []
    const setup = { routes: [getting(() => 1)], publicUrl: () => publicUrl }
    const { fetch } = await serve(setup)
    for (const path of ['/', '/nothing'])
      got.push((await fetch(path)).headers.get('strict-transport-security'))
    return got
  }

  const year = 'max-age=31536000'
  assert.equal(await hstsAt('https://api.example.com'), [year, year])
  assert.equal(await hstsAt('http://127.0.0.1:8080'), [null, null])
})

test('a request id of the client is kept when a log can hold it, else replaced', async () => {
  const { fetch } = await serve({ routes: [getting(() => 1)] })
  const idFor = async (id: string) =>
    (await fetch('/', { headers: { 'x-request-id': id } })).headers.get('x-request-id')

  assert.is(await idFor('abc-DEF_123'), 'abc-DEF_123')
  for (const bad of ['short', 'a'.repeat(129), '../../../etc', 'with space'])
    assert.is.not(await idFor(bad), bad)
})

test('HEAD has the headers of GET and no body', async () => {
  const { raw } = await serve({ routes: [getting(() => ({ a: 1 }))] })
  const got = await raw('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')

  assert.is(got.status, 200)
  assert.is(got.headers['content-length'], '7')
  assert.is(got.body, '')
})

test('a problem of ours decides status, code and headers', async () => {
  const fail = () => {
    throw E.own_refusal({ id: 7 }, { headers: { 'Retry-After': '3' } })
  }
  const { fetch } = await serve({ routes: [getting(fail)] })
  const got = await fetch('/')

  assert.is(got.status, 409)
  assert.is(got.headers.get('retry-after'), '3')
  const { requestId, ...problem } = await json(got)
  assert.is(requestId, got.headers.get('x-request-id'))
  assert.equal(problem, {
    type: 'urn:autodocops:problem:own_refusal',
    title: 'Refused',
    status: 409,
    code: 'own_refusal',
    detail: 'no 7',
    hint: 'Try another.',
  })
})

test('at 500 and above the detail goes to the log only', async () => {
  const fail = () => {
    throw E.own_failure({ cause: new Error('the inner cause') })
  }
  const { fetch, lines } = await serve({ routes: [getting(fail)] })
  const got = await fetch('/')

  assert.is(got.status, 502)
  assert.not.match(await got.text(), /inner/)
  assert.match(JSON.stringify(lines.at(-1)), 'the inner cause')
})

for (const status of [400, 401, 403, 404, 429, 500])
  test(`an SDK error with status ${status} is our 500, and nothing of it comes out`, async () => {
    const canary = 'canary-71c2'
    const foreign = Object.assign(new Error(canary), {
      status,
      statusCode: status,
      expose: true,
      body: canary,
      headers: { 'set-cookie': canary, 'x-upstream': canary, 'content-type': 'text/canary' },
    })
    const routes = [
      getting(() => Promise.reject(foreign)),
      route({
        ...open,
        method: 'GET',
        path: '/sync',
        responses: any,
        handler: () => {
          throw foreign
        },
      }),
    ]
    const { raw } = await serve({ routes })
    for (const path of ['/', '/sync']) {
      const got = await raw(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)

      assert.is(got.status, 500)
      assert.is(JSON.parse(got.body).code, 'internal_error')
      assert.not.match(got.text, /canary/)
    }
  })

test('a thrown value that is no error is a 500', async () => {
  const routes = [getting(() => Promise.reject(undefined as unknown as Error))]
  const { fetch } = await serve({ routes })
  assert.is((await fetch('/')).status, 500)
})

test('a header that cannot be sent and a status that is none are a 500', async () => {
  const routes = [
    getting(() => reply(200, 'x', { 'X-A': 'a\r\nSet-Cookie: b' })),
    route({ ...open, method: 'GET', path: '/s', responses: any, handler: () => reply(99, 'x') }),
  ]
  const { fetch } = await serve({ routes })
  const split = await fetch('/')

  assert.is(split.status, 500)
  assert.is(split.headers.get('set-cookie'), null)
  assert.is((await fetch('/s')).status, 500)
})

test('/v1 answers errors in the envelope of OpenAI', async () => {
  const routes = [
    route({
      ...open,
      method: 'POST',
      path: '/v1/x',
      body: { schema: z.object({ messages: z.array(z.string()) }), maxBytes: 1_024 },
      responses: any,
      handler: () => 1,
    }),
  ]
  const { fetch } = await serve({ routes })
  const wrong = await fetch('/v1/x', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"messages":[1]}',
  })
  const { error } = (await wrong.json()) as { error: Record<string, unknown> }

  assert.is(wrong.status, 422)
  assert.is(error['type'], 'invalid_request_error')
  assert.is(error['code'], 'invalid_body')
  assert.is(error['param'], 'messages.0')
  assert.equal(Object.keys(error).sort(), ['code', 'message', 'param', 'type'])
  assert.equal(await (await fetch('/v1/nothing')).json(), {
    error: {
      message: 'There is nothing here',
      type: 'invalid_request_error',
      code: 'not_found',
      param: null,
    },
  })
})

test('an expectation that is refused on /v1 is told in that envelope, too', async () => {
  const { raw } = await serve({ routes: [] })
  const refused = await raw('GET /v1/x HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n')

  assert.is(refused.status, 417)
  assert.match(refused.text, /\{"error":\{.*"code":"expectation_failed"/)
})

test('a body is checked by its schema, and an empty one when the schema takes it', async () => {
  const routes = [
    route({
      ...open,
      method: 'POST',
      path: '/',
      body: { schema: z.object({ a: z.coerce.number() }).optional(), maxBytes: 100 },
      responses: any,
      handler: (_, { body }) => ({ got: body ?? 'nothing' }),
    }),
  ]
  const { fetch } = await serve({ routes })
  const headers = { 'content-type': 'application/json' }
  const full = await fetch('/', { method: 'POST', headers, body: '{"a":"5"}' })
  const empty = await fetch('/', { method: 'POST' })

  assert.equal(await full.json(), { got: { a: 5 } })
  assert.equal(await empty.json(), { got: 'nothing' })
})

test.run()
