/** A real Prometheus scrapes a running server of ours under traffic, and every panel shows something. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from '../harness/postgres.ts'
import { run, startServer } from '../harness/process.ts'
import { privateRedis } from '../harness/redis.ts'
import { root } from '../harness/root.ts'
import { queries } from './dashboard-files.ts'
import { promtool, startPrometheus, valuesOf } from './prometheus.ts'

const at = (name: string) => join(root, 'monitoring/prometheus', name)
const { url: database } = await postgres()
const { url: redis } = await privateRedis()
const env = {
  DATABASE_URL: database,
  REDIS_URL: redis,
  JWT_SECRET_KEY: 'monitoring-7d1e5a60b2c94e8f8d35c1f0',
  BILLING_FAKE_PORT: '0',
}
const server = await startServer({ env })
const bearer = async (user: string) =>
  `Bearer ${(await run(['token', '--sub', user], { env, home: server.home })).stdout.trim()}`
const authorization = await bearer('alice')
const customers = [authorization, await bearer('bob'), await bearer('carol')]

const call = async (method: string, path: string, body?: unknown, headers: object = {}) => {
  const reply = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { reply, text: await reply.text() }
}

/** One of everything that a user does. */
async function visit(): Promise<void> {
  await call('GET', '/api/projects/1')
  await call('GET', '/no/such/page')
  await call('GET', '/chat/usage', undefined, { authorization: 'Bearer nobody' })
  await call('POST', '/api/projects', { name: 'Handbook' })
  await call('POST', '/chat', { query: 'What is a plugin?' })
  await call('POST', '/chat/stream', { query: 'What is a cache?' })
  await call('POST', '/billing/stripe-webhook', { id: 'evt_1' })
  const { reply } = await call('POST', '/auth/session', {})
  const [cookie = ''] = (reply.headers.get('set-cookie') ?? '').split(';')
  await fetch(`${server.url}/auth/session`, { headers: { cookie } })
}

/** From the checkout over the payment page to the subscription. */
async function subscribe(customer: string): Promise<void> {
  const { text } = await call(
    'POST',
    '/billing/checkout',
    { plan: 'pro' },
    { authorization: customer },
  )
  const { url } = JSON.parse(text) as { url: string }
  await fetch(url, { method: 'POST', redirect: 'manual' })
}

test('promtool accepts the configuration and the rules, and its tests of the rules pass', () => {
  execFileSync(promtool, ['check', 'config', at('prometheus.yml')])
  execFileSync(promtool, ['check', 'rules', at('recording.rules.yml'), at('alerts.rules.yml')])
  execFileSync(promtool, ['test', 'rules', at('rules.test.yml')], { cwd: root })
})

test('every query of every panel returns a finite value', async () => {
  const prometheus = await startPrometheus(new URL(server.operationsUrl).host)
  let missing = queries
  for (const until = Date.now() + 300_000; missing.length > 0 && Date.now() < until;) {
    // One after the other: a rate sees nothing of what stood there before the first scrape.
    const customer = customers.pop()
    if (customer !== undefined) await subscribe(customer)
    await visit()
    await sleep(3_000)
    const seen = await Promise.all(missing.map(({ expr }) => valuesOf(prometheus, expr)))
    missing = missing.filter((_, index) => seen[index]?.length === 0)
  }

  assert.ok(queries.length > 70)
  assert.equal(missing, [])
})

test('promtool finds nothing to say about /metrics', async () => {
  const text = await (await fetch(`${server.operationsUrl}/metrics`)).text()

  const {
    status,
    stderr,
    stdout: said,
  } = spawnSync(promtool, ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })

  assert.ok(text.length > 10_000)
  assert.is(`${stderr}${said}`, '')
  assert.is(status, 0)
})

test('the server ends', async () => {
  assert.is(await server.stop(), 0)
})

test.run()
