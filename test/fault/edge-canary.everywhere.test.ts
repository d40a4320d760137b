/**
 * Only our own errors decide a status (DESIGN §10, invariant 6). A hostile upstream marks its status, headers and
 * body; the real SDKs make errors of that; nothing marked comes out of us, and nothing of it decides our reply.
 */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Redis } from 'ioredis'
import OpenAI from 'openai'
import Stripe from 'stripe'
import { request } from 'undici'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { reply } from '../../core/route.ts'
import { any, open, route, serve } from '../core/http-fixture.ts'
import type { Served } from '../core/http-fixture.ts'

const canary = 'canary-5f1e9a'
const statuses = [400, 401, 402, 403, 404, 409, 422, 429, 500, 503] as const
const marked = {
  'Content-Type': 'application/json',
  'Set-Cookie': `sid=${canary}`,
  'X-Upstream': canary,
  'Request-Id': canary,
  'WWW-Authenticate': canary,
  'Retry-After': '86400',
  Location: `https://${canary}.example/`,
}

let upstream: Server
let origin: string
let server: Served

/** Answers with the status that the path names. */
function hostile(): Server {
  return createServer((incoming, response) => {
    const status = Number(/\/(\d{3})\//.exec(incoming.url ?? '')?.[1] ?? 500)
    const error = { message: canary, code: canary, type: 'invalid_request_error', param: canary }
    incoming.resume()
    response.writeHead(status, marked).end(JSON.stringify({ error, canary }))
  })
}

const callers: Readonly<Record<string, (status: number) => Promise<unknown>>> = {
  openai: (status) => {
    const client = new OpenAI({
      apiKey: `sk-${canary}`,
      baseURL: `${origin}/${status}/v1`,
      maxRetries: 0,
    })
    return client.chat.completions.create({
      model: 'm',
      messages: [{ role: 'user', content: 'a' }],
    })
  },
  'an openai stream': async (status) => {
    const client = new OpenAI({
      apiKey: `sk-${canary}`,
      baseURL: `${origin}/${status}/v1`,
      maxRetries: 0,
    })
    const messages = [{ role: 'user' as const, content: 'a' }]
    return reply(200, await client.chat.completions.create({ model: 'm', messages, stream: true }))
  },
  stripe: (status) => {
    const { port } = upstream.address() as AddressInfo
    const client = new Stripe(`sk_test_${canary}`, {
      host: '127.0.0.1',
      port,
      protocol: 'http',
      maxNetworkRetries: 0,
    })
    return client.rawRequest('POST', `/${status}/x`)
  },
  undici: async (status) => {
    const { body, statusCode, headers } = await request(`${origin}/${status}/x`)
    const text = await body.text()
    throw Object.assign(new Error(text), { status: statusCode, statusCode, headers, expose: true })
  },
  'a lost Redis': async (status) => {
    const client = new Redis(1, '127.0.0.1', { retryStrategy: () => null, lazyConnect: true })
    client.on('error', () => undefined)
    try {
      return await client.get(`${canary}-${status}`)
    } finally {
      client.disconnect()
    }
  },
}

test.before(async () => {
  upstream = hostile()
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const routes = Object.entries(callers).flatMap(([name, call]) =>
    statuses.map((status) =>
      route({
        ...open,
        method: 'GET',
        path: `/${name.replaceAll(' ', '-')}/${status}`,
        responses: any,
        handler: () => call(status),
      }),
    ),
  )
  server = await serve({ routes })
})
test.after(async () => {
  await server.stop()
  upstream.closeAllConnections()
  await new Promise((resolve) => upstream.close(resolve))
})

for (const name of Object.keys(callers))
  test(`${name}: whatever the upstream answers is our 500 with nothing of it`, async () => {
    for (const status of statuses) {
      const path = `/${name.replaceAll(' ', '-')}/${status}`
      const got = await server.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)

      assert.is(got.status, 500, `${path}: ${got.text}`)
      assert.is(JSON.parse(got.body).code, 'internal_error')
      assert.not.match(got.text, canary)
      for (const header of ['set-cookie', 'retry-after', 'location', 'www-authenticate'])
        assert.is(got.headers[header], undefined)
    }
  })

test('no key of ours is in the log that tells of them', () => {
  const text = JSON.stringify(server.lines)

  assert.ok(server.lines.length >= statuses.length * Object.keys(callers).length)
  assert.not.match(text, `sk-${canary}`)
  assert.not.match(text, `sk_test_${canary}`)
})

test.run()
