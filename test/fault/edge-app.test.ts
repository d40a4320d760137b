/** The whole server against a hostile world: every route that it has, random requests, every secret that it holds. */
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Chance, randomRequest, ask } from '../core/http-random-request.ts'
import type { Target } from '../core/http-random-request.ts'
import { postgres } from '../harness/postgres.ts'
import { run, startServer } from '../harness/process.ts'
import type { ServerProcess } from '../harness/process.ts'
import { rootUrl } from '../harness/root.ts'
import { manifestOf, secrets } from './canaries.ts'

const rounds = 1_000 * Number(process.env['TEST_SCALE'] ?? 1)
const atOnce = 16

const many = '{ anonymous: 1000000, user: 1000000 }'
const manifest = manifestOf({
  limits: `{ default: ${many}, chat: ${many}, auth: ${many} }`,
  chat: `{ config: { apiKey: '\${OPENAI_API_KEY}', baseUrl: 'http://127.0.0.1:9/v1' } }`,
})

const { url: database } = await postgres()
const env = { ...secrets, DATABASE_URL: database }
let server: ServerProcess | undefined
let url: string
let operationsUrl: string
let token = ''
/** How much anybody outside got to see, and which secrets were in it. */
const seen = { characters: 0, leaks: new Set<string>() }

function see(text: string): void {
  seen.characters += text.length
  for (const [name, secret] of Object.entries({ ...secrets, token }))
    if (text.includes(secret)) seen.leaks.add(name)
}

const operations = { authorization: `Bearer ${secrets.OPERATIONS_TOKEN}` }

test.before(async () => {
  server = await startServer({ manifest, env })
  ;({ url, operationsUrl } = server)
  const options = { manifest, env, home: server.home }
  token = (await run(['token', '--sub', 'alice'], options)).stdout.trim()
  assert.match(token, /^eyJ/)
})
test.after(async () => void (await server?.stop()))

/** `GET /api/projects/:id`, of every built-in plugin. */
function publicRoutes(): [Target, ...Target[]] {
  const facts = JSON.parse(readFileSync(new URL('plugins/index.json', rootUrl), 'utf8')) as {
    plugins: { routes: string[] }[]
  }
  const routes = facts.plugins
    .flatMap((plugin) => plugin.routes)
    .filter((route) => !route.startsWith('operations '))
    .map((route) => route.split(' '))
  return routes.map(([method = '', path = '']) => ({ method, path })) as [Target, ...Target[]]
}

async function tell(at: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(at, init)
  see(JSON.stringify([...response.headers]) + (await response.clone().text()))
  return response
}

test('it is up with every plugin, and the token is good', async () => {
  const headers = { authorization: `Bearer ${token}` }

  assert.is((await tell(`${url}/api/projects/1`)).status, 200)
  assert.is((await tell(`${url}/auth/keys`, { headers })).status, 200)
})

const openToAll =
  /^(?:GET \/api\/projects|POST \/billing\/stripe-webhook|GET \/billing\/plans|GET \/billing\/checkout\/|GET \/openapi|GET \/docs|GET \/v1\/models|DELETE \/auth\/session$|GET \/auth\/session$|POST \/auth\/session$)/

test('every route that is not open answers 401 without a credential and with each wrong one', async () => {
  const wrong = {
    nothing: {},
    nonsense: { authorization: 'Bearer a.b.c' },
    'another scheme': { authorization: 'Basic YTpi' },
    unsigned: { authorization: `Bearer ${unsigned()}` },
    tampered: { authorization: `Bearer ${token.slice(0, -4)}AAAA` },
    expired: { authorization: `Bearer ${signed({ iat: now() - 120, exp: now() - 60 })}` },
    'without an end': { authorization: `Bearer ${signed({ exp: undefined })}` },
    'of another issuer': { authorization: `Bearer ${signed({ iss: 'mallory' })}` },
    'of another key': { authorization: `Bearer ${signed({}, 'x'.repeat(48))}` },
    'an unknown cookie': { cookie: 'sid=abcdefabcdef' },
  }
  const good = { authorization: `Bearer ${signed({})}` }
  assert.is((await tell(`${url}/auth/keys`, { headers: good })).status, 200)
  const closed = publicRoutes().filter(({ method, path }) => !openToAll.test(`${method} ${path}`))
  for (const { method, path } of closed)
    for (const [name, headers] of Object.entries(wrong)) {
      const response = await tell(url + path.replaceAll(/:[a-z]+/gi, '1'), {
        method,
        headers,
      })

      assert.is(response.status, 401, `${method} ${path} with ${name}`)
      assert.ok(response.headers.get('www-authenticate'))
    }
  assert.ok(closed.length > 10)
})

test('no Host and no forwarded one of the client is in any reply', async () => {
  const evil = 'evil.example'
  const headers = [`X-Forwarded-Host: ${evil}`, `Forwarded: host=${evil}`, `Origin: http://${evil}`]
  for (const { method, path } of publicRoutes())
    for (const credential of ['', `Authorization: Bearer ${token}\r\n`]) {
      const line = `${method} ${path.replaceAll(/:[a-z]+/gi, '1')} HTTP/1.1`
      const body = 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
      const head = `${line}\r\nHost: ${evil}\r\n${headers.join('\r\n')}\r\n${credential}`
      const bytes = Buffer.from(head + (method === 'GET' ? '\r\n' : body))

      const text = await ask(Number(new URL(url).port), bytes)

      assert.match(text, /^HTTP\/1\.1 \d{3} /, `${method} ${path}`)
      assert.not.match(text, evil, `${method} ${path}`)
    }
})

const now = () => Math.floor(Date.now() / 1_000)
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const read = (at: number) =>
  JSON.parse(Buffer.from(token.split('.')[at] ?? '', 'base64url').toString()) as object

const unsigned = () => `${part({ ...read(0), alg: 'none' })}.${part(read(1))}.`

/** The good token, but for what is said. */
function signed(other: object, key = secrets.JWT_SECRET_KEY): string {
  const text = `${part(read(0))}.${part({ ...read(1), ...other })}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

test(`${rounds} random requests over every route: no 500, and every refusal is a problem`, async () => {
  const targets = publicRoutes()
  const port = Number(new URL(url).port)
  const chance = new Chance(11)
  const wrong: string[] = []
  const statuses = new Map<number, number>()
  let left = rounds
  const worker = async () => {
    while (left-- > 0) {
      const bytes = withToken(randomRequest(chance, targets), chance)
      const text = await ask(port, bytes)
      see(text)
      const status = judge(bytes, text, wrong)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }

  await Promise.all(Array.from({ length: atOnce }, worker))

  assert.equal(wrong.slice(0, 3), [])
  assert.is((await tell(`${url}/healthz`)).status, 200)
  for (const status of [200, 400, 401, 404, 405, 415])
    assert.ok((statuses.get(status) ?? 0) > 0, `never a ${status}`)
})

/** Half of them are let in, since most routes are closed. */
function withToken(bytes: Buffer, chance: Chance): Buffer {
  if (chance.oneIn(2)) return bytes
  const text = bytes.toString('latin1')
  const host = 'Host: localhost\r\n'
  return Buffer.from(text.replace(host, `${host}Authorization: Bearer ${token}\r\n`), 'latin1')
}

function judge(sent: Buffer, text: string, wrong: string[]): number {
  const final = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(final)?.[1] ?? 0)
  // Unreachable dependencies (no model, no Stripe) are 502, 503 or 504; 500 is a fault of ours.
  const isBare = status >= 400 && !/content-type: application\/(?:problem\+json|json)/i.test(final)
  if (status === 500 || isBare || text.endsWith('[no end]'))
    wrong.push(`${sent.toString('latin1').slice(0, 500)}\n→ ${text.slice(0, 600)}`)
  return status
}

test('no secret is in any reply, log line, metric, document or console', async () => {
  await tell(`${url}/openapi.json`)
  for (const path of [
    '/metrics',
    '/readyz?verbose',
    '/admin/plugins',
    '/admin/plan',
    '/admin/cache',
  ])
    await tell(operationsUrl + path, { headers: operations })
  await tell(`${operationsUrl}/admin/plugins`)
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  await tell(`${url}/chat`, { method: 'POST', headers, body: '{"query":"hello"}' })

  const code = await server?.stop()
  const { stdout = '', stderr = '' } = (await server?.ended()) ?? {}

  assert.is(code, 0)
  assert.ok(seen.characters > 100_000)
  assert.equal([...seen.leaks], [])
  for (const [name, secret] of Object.entries({ ...secrets, token }))
    for (const [where, text] of Object.entries({ stdout, stderr }))
      assert.not.ok(text.includes(secret), `${name} is in ${where}`)
})

test.run()
