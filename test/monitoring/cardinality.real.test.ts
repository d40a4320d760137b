/** Whatever strangers send, a scrape stays small; what was counted as open is counted as closed. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { run, startServer } from '../harness/process.ts'

const env = { JWT_SECRET_KEY: 'monitoring-7d1e5a60b2c94e8f8d35c1f0', BILLING_FAKE_PORT: '0' }
const server = await startServer({ env })
const token = (await run(['token', '--sub', 'alice'], { env, home: server.home })).stdout.trim()
const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }

const scrape = async () => (await fetch(`${server.operationsUrl}/metrics`)).text()
const valueOf = (text: string, series: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1] ?? 'NaN',
  )

const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'REPORT', 'PROPFIND', 'LOCK']
const send = async (n: number) => {
  const kind = n % 4
  const post = (path: string, body: unknown) =>
    fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  const reply =
    kind === 0
      ? await fetch(`${server.url}/path-${n}/${n}`)
      : kind === 1
        ? await fetch(`${server.url}/api/projects/${n}`, {
            method: methods[n % methods.length] ?? '',
          })
        : kind === 2
          ? await post('/billing/stripe-webhook', { id: `evt_${n}`, type: `type.${n}` })
          : await post('/v1/chat/completions', {
              model: `model-${n}`,
              messages: [{ role: 'user', content: 'x' }],
            })
  await reply.arrayBuffer()
}

test('ten thousand random paths, methods, webhook types and models leave a scrape of 5,000 lines', async () => {
  for (let n = 0; n < 10_000; n += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, at) => send(n + at)))
  }

  const text = await scrape()
  const again = await scrape()
  const lines = text.split('\n').length
  const renderMs = valueOf(again, 'metrics_render_duration_seconds') * 1_000
  console.log(`# ${lines} lines, rendered in ${renderMs.toFixed(1)} ms`)
  assert.ok(lines <= 5_000, `${lines} lines`)
  assert.ok(renderMs <= 500, `${renderMs} ms`)
  assert.match(text, 'route="__unmatched__"')
  assert.not.match(text, /path-\d|type\.\d|model-\d/)
})

test('a hundred readers who leave are counted as a hundred, and nothing stays in flight', async () => {
  const route = '{route="/chat/stream",outcome="aborted"}'
  for (let n = 0; n < 100; n += 1) {
    const leaving = new AbortController()
    const reply = await fetch(`${server.url}/chat/stream`, {
      method: 'POST',
      headers: { ...headers, authorization: await bearerOf(n) },
      body: JSON.stringify({ query: 'Tell me a long story about a plugin and its cache.' }),
      signal: leaving.signal,
    })
    if (reply.status !== 200) throw new Error(`${reply.status} ${await reply.text()}`)
    await reply.body?.getReader().read()
    leaving.abort()
  }

  const text = await settled(
    (now) => valueOf(now, `http_stream_duration_seconds_count${route}`) === 100,
  )
  assert.is(valueOf(text, `http_stream_duration_seconds_count${route}`), 100)
  assert.is(
    valueOf(text, 'http_requests_total{method="POST",route="/chat/stream",status_code="499"}'),
    100,
  )
  assert.is(valueOf(text, 'http_streams_in_flight{route="/chat/stream"}'), 0)
  assert.is(valueOf(text, 'http_requests_in_flight'), 0)
  assert.is(valueOf(text, 'llm_streams_in_flight{provider="fake"}'), 0)
})

/** Users of their own, since each has a limit of requests in a minute. */
const bearers = new Map<number, Promise<string>>()
const bearerOf = (n: number) => {
  const user = Math.floor(n / 15)
  const known = bearers.get(user) ?? issue(`reader-${user}`)
  bearers.set(user, known)
  return known
}
const issue = async (user: string) =>
  `Bearer ${(await run(['token', '--sub', user], { env, home: server.home })).stdout.trim()}`

async function settled(isDone: (text: string) => boolean): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const text = await scrape()
    if (isDone(text) || tries === 100) return text
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

test('the server ends', async () => {
  assert.is(await server.stop(), 0)
})

test.run()
