/** What a person may use: this plugin’s own limits, and those of billing. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { alice, post, start } from './routes-fixture.ts'

test('too many questions in a minute are 429 with the time to wait, in the words of each protocol', async () => {
  const app = await start({ limits: { requestsPerMinute: 1 } })
  await post(app, '/chat', { query: 'x' })
  const refused = await post(app, '/chat', { query: 'x' })
  const messages = [{ role: 'user', content: 'x' }]
  const openAi = await post(app, '/v1/chat/completions', { messages })

  assert.is(refused.status, 429)
  assert.is(refused.headers['retry-after'], '60')
  assert.is((refused.json() as { code: string }).code, 'request_rate_limit')
  assert.is((openAi.json() as { error: { code: string } }).error.code, 'request_rate_limit')
})

test('used up tokens are 429 that no client tries again, and say when they come back', async () => {
  const app = await start({ limits: { tokensPerMonth: 10 } })
  const refused = await post(app, '/chat', { query: 'x' })

  assert.is(refused.status, 429)
  assert.is(refused.headers['x-should-retry'], 'false')
  assert.is((refused.json() as { code: string }).code, 'chat_quota_exceeded')
  // The test clock stands at the beginning of January 2026.
  assert.is(refused.headers['retry-after'], String(31 * 86_400))
})

const billingOf = (calls: unknown[][], reserved: object) => ({
  plan: async () => ({ plan: 'pro' }),
  usage: async () => ({ used: 1, reserved: 2, limit: 3, resetAt: null }),
  reserve: async (...call: unknown[]) => {
    calls.push(['reserve', ...call])
    return reserved
  },
  commit: async (...call: unknown[]) => void calls.push(['commit', ...call]),
})

test('with billing the tokens are reserved there and committed as used, once', async () => {
  const calls: unknown[][] = []
  const held = { ok: true, id: 'r1', remaining: 1, resetAt: null }
  const services = { billing: billingOf(calls, held) }
  const app = await start({}, services)
  const { usage } = (await post(app, '/chat', { query: 'Hola' })).json() as {
    usage: { inputTokens: number; outputTokens: number }
  }
  const report = (await app.inject({ url: '/chat/usage', as: alice })).json() as object

  assert.equal(calls[0]?.slice(0, 4), [
    'reserve',
    'alice',
    'chat.tokens',
    usage.inputTokens + 4_096,
  ])
  assert.equal(calls.slice(1), [['commit', 'r1', usage.inputTokens + usage.outputTokens]])
  assert.equal(
    { ...report, limits: 0 },
    { plan: 'pro', used: 1, reserved: 2, limit: 3, resetAt: null, inFlight: 0, limits: 0 },
  )
})

test('what billing refuses is refused, and nothing is held', async () => {
  const services = { billing: billingOf([], { ok: false, remaining: 5, resetAt: null }) }
  const app = await start({ limits: { concurrent: 1 } }, services)

  assert.is((await post(app, '/chat', { query: 'x' })).status, 429)
  const again = (await post(app, '/chat', { query: 'x' })).json() as { code: string }
  assert.is(again.code, 'chat_quota_exceeded')
})

test('while billing does not answer this plugin’s own limits hold', async () => {
  const down = () => Promise.reject(new Error('down'))
  const services = { billing: { plan: down, usage: down, reserve: down, commit: down } }
  const app = await start({ limits: { tokensPerMonth: 5_000 } }, services)

  assert.is((await post(app, '/chat', { query: 'x' })).status, 200)
  assert.is((await post(app, '/chat', { query: 'x', maxOutputTokens: 4_990 })).status, 200)
  const report = (await app.inject({ url: '/chat/usage', as: alice })).json() as {
    limit: number
  }
  assert.is(report.limit, 5_000)
})

test.run()
