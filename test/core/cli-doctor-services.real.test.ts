/** `autodocops doctor` and what plugins need: databases, Redis, Stripe, models, and plugins that do not answer. */
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { atEnd } from '../harness/ending.ts'
import { sparePort } from '../harness/ports.ts'
import { startPostgres } from '../harness/postgres-server.ts'
import { postgres } from '../harness/postgres.ts'
import { startServer } from '../harness/process.ts'
import { privateRedis } from '../harness/redis.ts'
import { skip } from '../harness/skip.ts'
import { about, examined, fixOf, folder, production } from './doctor-fixture.ts'

/** A plugin as a value, without an import of ours. */
const outside = (name: string, part: string) =>
  `export default { name: '${name}', version: '1.0.0', core: '^1', summary: '', requires: {},
    provides: {}, internal: {}, services: {}, fills: {}, metrics: [], commands: {},
    examples: { config: { valid: [], invalid: [] } },
    config: { safeParse: (data) => ({ success: true, data }), _zod: { def: { type: 'any' } } }, ${part} }`

test('beside a running server it ends with 0, knows its ports, and sees its database and Redis', async () => {
  const redis = await privateRedis()
  const [port, operations] = [await sparePort(), await sparePort()]
  const env = {
    DATABASE_URL: (await postgres()).url,
    REDIS_URL: redis.url,
    PORT: String(port),
    OPERATIONS_ADDRESS: `127.0.0.1:${operations}`,
  }
  const server = await startServer({ env })
  const found = await examined({ env, home: server.home })
  await server.stop()

  assert.is(found.code, 0, found.stdout)
  assert.is(about(found, 'public port', /our running server has/).verdict, 'ok')
  assert.is(about(found, 'operations port', /our running server has/).verdict, 'ok')
  assert.is(about(found, 'running server', /\d+ plugins run$/).verdict, 'ok')
  assert.is(about(found, 'database', /^PostgreSQL \d+.* answers/).verdict, 'ok')
  assert.is(about(found, 'clock of the database', / s (behind|ahead of)/).verdict, 'ok')
  assert.is(about(found, 'migrations', /all are applied/).verdict, 'ok')
  assert.is(about(found, 'redis', /^Redis \d+.* answers/).verdict, 'ok')
  assert.is(about(found, 'memory of redis', /no key is evicted/).verdict, 'ok')
})

test('a database that is not there', async () => {
  const port = await sparePort()
  const env = { DATABASE_URL: `postgres://me:hidden-word@127.0.0.1:${port}/app` }
  const found = await examined({ env })
  const finding = about(found, 'database', /cannot be used: .*ECONNREFUSED/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /start that Postgres.*DATABASE_URL/)
  assert.not.match(found.stdout, 'hidden-word')
})

test('a database that does not exist on its server', async () => {
  const url = new URL((await postgres()).url)
  url.pathname = '/nowhere'
  const found = await examined({ env: { DATABASE_URL: url.href } })
  const finding = about(found, 'database', /"nowhere" does not exist/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /createdb.*DB_NAME/)
})

test('a Redis that is down', async () => {
  const found = await examined({ env: { REDIS_URL: `redis://127.0.0.1:${await sparePort()}` } })
  const finding = about(found, 'redis', /no connection: .*ECONNREFUSED/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /start that Redis.*REDIS_URL/)
})

test('a Redis that wants a password', async () => {
  const redis = await privateRedis(['--requirepass', 'hidden-word'])
  const found = await examined({ env: { REDIS_URL: redis.url.replace('//', '//:wrong-word@') } })
  const finding = about(found, 'redis', /WRONGPASS/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /password in REDIS_URL/)
})

test('a Redis that may evict sessions', async () => {
  const redis = await privateRedis(['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'])
  const found = await examined({ env: { REDIS_URL: redis.url } })
  const finding = about(found, 'memory of redis', /allkeys-lru/)

  assert.is(found.code, 0, 'a warning is no failure')
  assert.is(finding.verdict, 'warning')
  assert.match(fixOf(finding), /maxmemory-policy noeviction/)
})

test('a billing key without its secret, and a test key in production', async () => {
  const alone = await examined({ env: { STRIPE_API_KEY: 'sk_test_abcdef' } })
  const keys = { STRIPE_API_KEY: 'sk_test_abcdef', STRIPE_WEBHOOK_SECRET: 'whsec_abcdef' }
  const mixed = await examined({ env: { ...production, ...keys } })
  const without = about(alone, 'secrets', /billing\.config/)
  const mode = about(mixed, 'billing: mode of the key', /a test key in production/)

  assert.is(alone.code, 78)
  assert.match(`${without.saw} ${fixOf(without)}`, /webhookSecret|STRIPE_WEBHOOK_SECRET/)
  assert.is(mode.verdict, 'warning')
  assert.match(fixOf(mode), 'sk_live_')
  assert.is(about(mixed, 'billing: Stripe', /--online/).verdict, 'skipped')
})

test('pending migrations that nobody applies', async () => {
  const { url } = await postgres()
  const manifest = `plugins: { database: { config: { url: '${url}', migrate: never } }, projects: true }`
  const found = await examined({ manifest })
  const finding = about(found, 'migrations', /pending: projects\/0001/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), 'autodocops migrate up')
})

test('a plugin that cannot be built is a finding, and the rest is examined', async () => {
  const home = folder()
  mkdirSync(join(home, 'broken'))
  writeFileSync(
    join(home, 'broken/index.mjs'),
    outside('broken', "services: { it: () => { throw new Error('cannot be built') } }"),
  )
  const found = await examined({
    home,
    manifest: 'plugins: { broken: { from: ./broken }, llm-chat: true }',
  })

  assert.is(about(found, 'plugin broken', /cannot be built/).verdict, 'failed')
  assert.is(about(found, 'model', /fake/).verdict, 'ok')
  assert.is(found.code, 1)
})

test('the code of a plugin that is off is not loaded', async () => {
  const home = folder()
  const facts = { name: 'off', version: '1.0.0', core: '^1' }
  const code = "import { writeFileSync } from 'node:fs'\nwriteFileSync('loaded', '')"
  mkdirSync(join(home, 'off'))
  writeFileSync(join(home, 'off/package.json'), JSON.stringify({ autodocops: facts }))
  writeFileSync(join(home, 'off/index.js'), code)
  writeFileSync(join(home, 'off/config.js'), code)
  const off = { home, manifest: 'plugins: { off: { from: ./off, enabled: false } }' }
  const on = { home, manifest: 'plugins: { off: { from: ./off } }' }

  assert.is((await examined(off)).code, 0)
  assert.not(existsSync(join(home, 'loaded')))
  assert.is.not((await examined(on)).code, 0)
  assert.ok(existsSync(join(home, 'loaded')), 'the proof proves nothing')
})

test('a wrong password of the database', async () => {
  const server = await startPostgres('the-right-word')
  if (server === undefined) return skip('a Postgres', 'apt-get install postgresql')
  atEnd(server.stop)
  const wrong = server.url.replace('the-right-word', 'hidden-word')
  const [found, right] = [
    await examined({ env: { DATABASE_URL: wrong } }),
    await examined({ env: { DATABASE_URL: server.url } }),
  ]
  const finding = about(found, 'database', /password authentication failed for user "postgres"/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /user and password in DATABASE_URL/)
  assert.not.match(found.stdout, /(hidden|the-right)-word/)
  assert.is(about(right, 'database', /answers/).verdict, 'ok')
})

/** Stripe and a model in one, which answers every request so; `asked` counts. */
async function services(status: number | 'never') {
  const told = { asked: [] as string[] }
  const server = createServer((request, response) => {
    told.asked.push(request.url ?? '')
    if (status === 'never') return
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({ error: { type: 'invalid_request_error', message: 'no' }, data: [] }),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  server.unref()
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { url } = await postgres()
  const manifest = `
plugins:
  database: { config: { url: '${url}' } }
  auth: true
  billing:
    config: { apiKey: '\${KEY}', webhookSecret: '\${HOOK}', apiBase: '${base}', plans: { pro: { prices: [price_1] } } }
  llm-chat: { config: { baseUrl: '${base}/v1', apiKey: '\${MODEL_KEY}' } }
`
  const env = { KEY: 'sk_test_abcdef', HOOK: 'whsec_abcdef', MODEL_KEY: 'sk-abcdef' }
  return { told, options: { manifest, env } }
}

test('with --online Stripe and the model are asked, and a key that they refuse is named; else nobody is', async () => {
  const { told, options } = await services(401)
  const offline = await examined(options)
  const unasked = told.asked.length
  const online = await examined({ ...options, args: ['--online'] })
  const model = about(online, 'model at 127.0.0.1', /answers 401/)
  const stripe = about(online, 'billing: API key', /./)

  assert.is(unasked, 0)
  assert.is(about(offline, 'model at 127.0.0.1', /asked with --online only/).verdict, 'ok')
  assert.is(about(offline, 'billing: Stripe', /asked with --online only/).verdict, 'skipped')
  assert.is(online.code, 1)
  assert.equal([model.verdict, stripe.verdict], ['failed', 'failed'])
  assert.match(fixOf(model), 'OPENAI_API_KEY')
  assert.match(fixOf(stripe), 'STRIPE_API_KEY')
  assert.ok(told.asked.includes('/v1/models'), told.asked.join())
  assert.not.match(online.stdout, /abcdef/)
})

test('with --online a model that answers is well', async () => {
  const { options } = await services(200)
  const online = await examined({ ...options, args: ['--online'] })

  assert.is(about(online, 'model at 127.0.0.1', /^answers$/).verdict, 'ok')
})

/** It heeds its signal, and then needs a moment more. */
const late = `doctor: async (_, { signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 50)))
  return [{ check: 'late', verdict: 'ok', saw: 'told when it was time' }]
}`

test('who never answers holds up nobody: services, and a plugin that looks into itself for ever', async () => {
  const { options } = await services('never')
  const home = folder()
  mkdirSync(join(home, 'hanging'))
  writeFileSync(
    join(home, 'hanging/index.mjs'),
    outside('hanging', 'doctor: () => new Promise(() => setInterval(() => undefined, 1_000))'),
  )
  mkdirSync(join(home, 'late'))
  writeFileSync(join(home, 'late/index.mjs'), outside('late', late))
  const manifest = `${options.manifest}  hanging: { from: ./hanging }\n  late: { from: ./late }\n`
  const found = await examined({ ...options, manifest, home, args: ['--online'] })
  const hanging = about(found, 'plugin hanging', /no answer within 6 s/)

  assert.is(found.code, 1)
  assert.is(hanging.verdict, 'failed')
  assert.match(fixOf(hanging), 'autodocops plugins hanging')
  assert.is(about(found, 'late', /told when it was time/).verdict, 'ok')
  assert.is(about(found, 'model at 127.0.0.1', /cannot be reached/).verdict, 'failed')
  assert.is(about(found, 'billing: Stripe', /does not answer/).verdict, 'failed')
  assert.is(about(found, 'billing: webhook secret', /one/).verdict, 'ok')
  assert.is(about(found, 'database', /answers/).verdict, 'ok')
})

test.run()
