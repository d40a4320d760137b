/** Whatever comes in, nothing of ours breaks: no 500, and every refusal is a problem. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { reply } from '../../core/route.ts'
import { open, route, serve } from './http-fixture.ts'
import { Chance, randomRequest, ask } from './http-random-request.ts'
import type { Target } from './http-random-request.ts'

const ok = { 200: z.unknown() }
const text = { 200: { contentType: ['text/plain', 'text/event-stream'] } }
async function* words() {
  yield 'one '
  yield 'two'
}

const routes = [
  route({ ...open, method: 'GET', path: '/', responses: ok, handler: () => ({ ok: true }) }),
  route({
    ...open,
    method: 'GET',
    path: '/api/projects/:id',
    params: z.strictObject({ id: z.coerce.number().int().positive() }),
    query: z.object({ limit: z.coerce.number().optional() }),
    responses: ok,
    handler: (_, { params, query }) => ({ ...params, ...query }),
  }),
  route({
    ...open,
    method: 'POST',
    path: '/api/projects',
    body: { schema: z.strictObject({ title: z.string().max(200) }), maxBytes: 65_536 },
    responses: ok,
    handler: (_, { body, ctx }) => ({ ...body, ip: ctx.ip, host: ctx.host, query: ctx.query }),
  }),
  route({
    ...open,
    method: 'PATCH',
    path: '/api/projects/:id',
    body: { schema: z.record(z.string(), z.unknown()), maxBytes: 65_536 },
    responses: ok,
    handler: (_, { body }) => body,
  }),
  route({
    ...open,
    method: 'POST',
    path: '/chat/stream',
    body: { schema: z.looseObject({ query: z.string() }), maxBytes: 32_768 },
    responses: text,
    handler: () => reply(200, words()),
  }),
  route({ ...open, method: 'GET', path: '/words', responses: text, handler: () => words() }),
  route({
    ...open,
    method: 'POST',
    path: '/hook',
    body: { raw: true, maxBytes: 1_024 },
    responses: ok,
    handler: (_, { body }) => body.byteLength,
  }),
  route({
    ...open,
    auth: 'user',
    method: 'DELETE',
    path: '/mine/:id',
    responses: ok,
    handler: () => 1,
  }),
] as const
const targets = routes.map(({ method, path }) => ({ method, path })) as [Target, ...Target[]]

const rounds = 12_000 * Number(process.env['TEST_SCALE'] ?? 1)
const atOnce = 32

interface Verdict {
  readonly statuses: Map<number, number>
  readonly wrong: string[]
}

function judge(sent: Buffer, text_: string, { statuses, wrong }: Verdict): void {
  const final = text_.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(final)?.[1] ?? 0)
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
  const isOurFault = status >= 500 && status !== 501 && status !== 505
  const isBare = status >= 400 && !/content-type: application\/problem\+json/i.test(final)
  if (isOurFault || isBare || text_.endsWith('[no end]'))
    wrong.push(`${sent.toString('latin1').slice(0, 400)}\n→ ${text_.slice(0, 600)}`)
}

const reached = [200, 400, 401, 404, 405, 413, 415, 422]

test(`${rounds} random requests: no 500, and every refusal is a problem`, async () => {
  const server = await serve({ routes })
  const chance = new Chance(7)
  const verdict: Verdict = { statuses: new Map(), wrong: [] }
  let left = rounds
  const worker = async () => {
    while (left-- > 0) {
      const sent = randomRequest(chance, targets)
      judge(sent, await ask(server.port, sent), verdict)
    }
  }

  await Promise.all(Array.from({ length: atOnce }, worker))
  const after = await server.raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await server.stop()

  assert.equal(verdict.wrong.slice(0, 3), [])
  assert.is(after.status, 200)
  // It reached what it aims at: good replies, refusals by routes, refusals by the parser.
  for (const status of reached)
    assert.ok((verdict.statuses.get(status) ?? 0) > rounds / 2_000, `too few ${status}`)
  assert.is(server.listener.inFlight, 0)
})

test.run()
