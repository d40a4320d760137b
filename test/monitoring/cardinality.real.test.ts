/** Whatever strangers send, a scrape stays small; what was counted as open is counted as closed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { sign } from '../../plugins/billing/verify.ts'
import { run, startServer } from '../harness/process.ts'
import { root } from '../harness/root.ts'

const webhookSecret = 'whsec_monitoring'
const env = {
  JWT_SECRET_KEY: 'monitoring-7d1e5a60b2c94e8f8d35c1f0',
  STRIPE_WEBHOOK_SECRET: webhookSecret,
}
/** The built-in one, without a limit that would answer before anything is looked at, also on a busy machine. */
const secretLine = "      secret: '${JWT_SECRET_KEY:-}'"
const many = '{ anonymous: 1000000, user: 1000000 }'
const manifest = readFileSync(join(root, 'config/manifest.yaml'), 'utf8')
  .replace(
    secretLine,
    (line) => `${line}\n      limits: { default: ${many}, chat: ${many} }\n     `,
  )
  .replace('limits: {}', 'limits: { eventLoopLag: 1m }')
const server = await startServer({ env, manifest })
const issue = async (user: string) =>
  (await run(['token', '--sub', user], { env, manifest, home: server.home })).stdout.trim()
const token = await issue('alice')
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }

const scrape = async () => (await fetch(`${server.operationsUrl}/metrics`)).text()
const valueOf = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1] ?? 'NaN',
  )

/** The least of many: the others also tell what else the machine did. Each scrape tells of the one before. */
async function leastRenderMs(): Promise<number> {
  let least = Infinity
  for (let n = 0; n < 20; n += 1)
    least = Math.min(least, valueOf(await scrape(), 'metrics_render_duration_seconds') * 1_000)
  return least
}

const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'REPORT', 'PROPFIND', 'LOCK']
const statuses = new Map<string, number>()

const post = (path: string, text: string, more: object = {}) =>
  fetch(`${server.url}${path}`, { method: 'POST', headers: { ...headers, ...more }, body: text })

function webhook(n: number): Promise<Response> {
  const object = { id: `obj_${n}`, object: `thing${n}` }
  const text = JSON.stringify({
    id: `evt_${n}`,
    object: 'event',
    type: `type.${n}`,
    created: Math.floor(Date.now() / 1_000),
    livemode: false,
    data: { object },
  })
  return post('/billing/stripe-webhook', text, {
    'stripe-signature': sign(text, webhookSecret, Date.now()),
  })
}

const kinds: readonly (readonly [string, (n: number) => Promise<Response>])[] = [
  ['path', (n) => fetch(`${server.url}/path-${n}/${n}`)],
  [
    'method',
    (n) => fetch(`${server.url}/api/projects/${n}`, { method: methods[(n >> 2) % 8] ?? '' }),
  ],
  ['webhook', webhook],
  [
    'model',
    (n) => {
      const messages = [{ role: 'user', content: 'x' }]
      return post('/v1/chat/completions', JSON.stringify({ model: `model-${n}`, messages }))
    },
  ],
]

async function send(n: number): Promise<void> {
  const [kind, ask] = kinds[n % kinds.length] ?? ['', () => Promise.reject(new Error('no kind'))]
  const reply = await ask(n)
  await reply.arrayBuffer()
  const key = `${kind} ${reply.status}`
  statuses.set(key, (statuses.get(key) ?? 0) + 1)
}

test('what is known beforehand is there at 0, so that a rate sees the first of its kind', async () => {
  const text = await scrape()

  for (const series of [
    'http_requests_total{method="GET",status_code="200",route="/api/projects/:id"}',
    'http_requests_total{method="POST",status_code="500",route="/chat/stream"}',
    'billing_webhook_events_total{type="other",outcome="invalid_signature"}',
    'llm_requests_total{provider="fake",model="fake",outcome="ok"}',
    'plugin_errors_total{plugin="cache",hook="health"}',
    'metrics_series_dropped_total{metric="http_requests_total"}',
  ])
    assert.is(valueOf(text, series), 0, series)
})

test('ten thousand random paths, methods, webhook types and models leave a scrape of 5,000 lines', async () => {
  for (let n = 0; n < 10_000; n += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, at) => send(n + at)))
  }

  const text = await scrape()
  const lines = text.split('\n').length
  const renderMs = await leastRenderMs()
  console.log(`# ${lines} lines, rendered in ${renderMs.toFixed(1)} ms`)
  assert.ok(lines <= 5_000, `${lines} lines`)
  assert.ok(renderMs <= 50, `${renderMs} ms`)
  assert.match(text, 'route="__unmatched__"')
  assert.not.match(text, /path-\d|type\.\d|model-\d/)
  assert.is(statuses.get('webhook 200'), 2_500, 'every type was signed, and looked at')
  assert.is(statuses.get('model 404'), 2_500, 'every model was looked for')
})

test('a hundred readers who leave are counted as a hundred, and nothing stays in flight', async () => {
  const route = '{route="/chat/stream",outcome="aborted"}'
  for (let n = 0; n < 100; n += 1) {
    const leaving = new AbortController()
    const reply = await fetch(`${server.url}/chat/stream`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${await bearerOf(n)}` },
      body: JSON.stringify({ query: 'Tell me a long story about a plugin and its cache.' }),
      signal: leaving.signal,
    })
    if (reply.status !== 200) throw new Error(`${reply.status} ${await reply.text()}`)
    await reply.body?.getReader().read()
    leaving.abort()
  }

  const text = await settled(
    (now) =>
      valueOf(now, `http_stream_duration_seconds_count${route}`) === 100 &&
      valueOf(now, 'llm_streams_in_flight{provider="fake"}') === 0 &&
      valueOf(now, 'http_requests_in_flight') === 0,
  )
  assert.is(valueOf(text, `http_stream_duration_seconds_count${route}`), 100)
  assert.is(
    valueOf(text, 'http_requests_total{method="POST",status_code="499",route="/chat/stream"}'),
    100,
  )
  assert.not.match(text, /http_request_duration_seconds_count\{[^}]*"\/chat\/stream"/)
  assert.not.match(text, 'route="/metrics"')
  assert.is(valueOf(text, 'http_streams_in_flight{route="/chat/stream"}'), 0)
  assert.is(valueOf(text, 'http_requests_in_flight'), 0)
  assert.is(valueOf(text, 'llm_streams_in_flight{provider="fake"}'), 0)
})

/** Users of their own, since a plan has a limit of questions in a minute. */
const bearers = new Map<number, Promise<string>>()
function bearerOf(n: number): Promise<string> {
  const user = Math.floor(n / 15)
  const known = bearers.get(user) ?? issue(`reader-${user}`)
  bearers.set(user, known)
  return known
}

async function settled(isDone: (text: string) => boolean): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const text = await scrape()
    if (isDone(text) || tries === 600) return text
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('the server ends', async () => {
  assert.is(await server.stop(), 0)
})

test.run()
