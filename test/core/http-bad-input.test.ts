/** Every class of bad input has its exact reply. Raw sockets: no client would send most of this. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { contentCases } from './http-cases-content.ts'
import { headCases } from './http-cases-head.ts'
import { open, route, serve } from './http-fixture.ts'
import type { RawReply, Served } from './http-fixture.ts'
import { get } from './http-messages.ts'
import type { Case } from './http-messages.ts'

const believer = {
  name: 'test',
  credential: 'authorization' as const,
  scheme: { type: 'http' },
  authenticate: (_services: never, request: { headers: { authorization?: string | undefined } }) =>
    request.headers.authorization === 'Bearer alice'
      ? { subject: 'alice', scopes: [], via: 'test' }
      : undefined,
}

const any = { 200: z.unknown() }
const routes = [
  route({ ...open, method: 'GET', path: '/', responses: any, handler: () => ({ ok: true }) }),
  route({
    ...open,
    method: 'GET',
    path: '/items/:id',
    params: z.strictObject({ id: z.string().regex(/^\d{1,9}$/) }),
    query: z.strictObject({ limit: z.coerce.number().optional() }),
    responses: any,
    handler: (_, { params }) => params,
  }),
  route({
    ...open,
    method: 'POST',
    path: '/items',
    body: { schema: z.strictObject({ title: z.string() }), maxBytes: 1_024 },
    responses: any,
    handler: (_, { body }) => body,
  }),
  route({
    ...open,
    method: 'POST',
    path: '/tree',
    body: { schema: z.unknown(), maxBytes: 400_000 },
    responses: any,
    handler: () => 'ok',
  }),
  route({
    ...open,
    method: 'POST',
    path: '/raw',
    body: { raw: true, maxBytes: 1_024 },
    responses: any,
    handler: (_, { body }) => ({ bytes: body.byteLength }),
  }),
  route({ ...open, auth: 'user', method: 'GET', path: '/mine', responses: any, handler: () => 1 }),
  route({
    ...open,
    auth: { scope: 'admin' },
    method: 'GET',
    path: '/admin',
    responses: any,
    handler: () => 1,
  }),
]

let server: Served
test.before(async () => {
  server = await serve({ routes, authenticators: [{ authenticator: believer, services: {} }] })
})

const cases = { ...headCases, ...contentCases }

const isDeno = 'Deno' in globalThis

for (const [name, { deno, ...onNode }] of Object.entries(cases)) {
  const expected: Case = isDeno && deno !== undefined ? { send: onNode.send, ...deno } : onNode
  test(`${name}: ${expected.status} ${expected.code ?? ''}`.trim(), async () => {
    const reply = await server.raw(expected.send)

    assert.is(reply.status, expected.status, reply.text.slice(0, 300))
    for (const [header, value] of Object.entries(expected.headers ?? {}))
      assert.is(reply.headers[header], value, `${header} of ${reply.text}`)
    expected.check?.(reply)
    if (expected.code === undefined) return
    assertProblem(reply, expected)
  })
}

function assertProblem(reply: RawReply, { status, code, pointers }: Case): void {
  assert.is(reply.headers['content-type'], 'application/problem+json')
  assert.is(reply.headers['cache-control'], 'no-store')
  const problem = JSON.parse(reply.body) as Record<string, unknown>
  assert.is(problem['type'], `urn:autodocops:problem:${code}`)
  assert.is(problem['code'], code)
  assert.is(problem['status'], status)
  assert.is(problem['requestId'], reply.headers['x-request-id'])
  if (pointers === undefined) return
  const errors = problem['errors'] as { pointer: string }[]
  assert.equal(
    errors.map(({ pointer }) => pointer),
    pointers,
  )
}

test('the table has more than the 83 cases that were measured', () => {
  assert.ok(Object.keys(cases).length >= 110)
})

test('after all of them the server still answers', async () => {
  const reply = await server.raw(get('/'))

  assert.is(reply.status, 200)
})

test.run()
