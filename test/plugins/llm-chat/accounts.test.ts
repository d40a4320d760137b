import { setTimeout as sleep } from 'node:timers/promises'

import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import llmChat from '../../../plugins/llm-chat/index.ts'
import type { Ledger } from '../../../plugins/llm-chat/ledger.ts'
import type { ChatService } from '../../../plugins/llm-chat/service.ts'
import { FaultUpstream, wish } from './upstream.ts'

const alice = { subject: 'alice' }
const upstream = await new FaultUpstream().start()
test.after(() => upstream.stop())

const limits = { concurrent: 1_000, requestsPerMinute: 1_000, tokensPerMinute: 100_000_000 }
const start = (config: object = {}) =>
  testPlugin(llmChat, { config: { baseUrl: upstream.url, model: 'm', limits, ...config } })

interface Services {
  readonly chat: ChatService
  readonly ledger: Ledger
}

test('answers that end together are booked a few at a time, and all of them', async () => {
  const app = await start()
  const { ledger } = app.services as unknown as Services
  const close = ledger.close.bind(ledger)
  let atOnce = 0
  let most = 0
  Object.assign(ledger, {
    close: async (closing: Parameters<Ledger['close']>[0]) => {
      most = Math.max(most, (atOnce += 1))
      await sleep(30)
      await close(closing)
      atOnce -= 1
    },
  })
  const body = { query: wish({ tokens: 2 }) }
  const asked = Array.from({ length: 60 }, () =>
    app.inject({ method: 'POST', url: '/chat', as: alice, body }),
  )
  const statuses = (await Promise.all(asked)).map(({ status }) => status)
  const usage = await app.inject({ url: '/chat/usage', as: alice })
  await app.stop()

  assert.equal([...new Set(statuses)], [200])
  assert.ok(most > 1 && most <= 8, String(most))
  assert.is((usage.json() as { reserved: number }).reserved, 0)
})

test('a slot that was given back is not taken again by a renewal while the answer is booked', async () => {
  const app = await start({ limits: { ...limits, concurrent: 1 } })
  const { chat, ledger } = app.services as unknown as Services
  const close = ledger.close.bind(ledger)
  let renewals = 0
  Object.assign(ledger, {
    close: async (closing: Parameters<Ledger['close']>[0]) => {
      await sleep(20)
      await chat.renew()
      renewals += 1
      await close(closing)
    },
  })
  const statuses: number[] = []
  for (const url of ['/v1/chat/completions', '/chat', '/chat/stream']) {
    const content = wish({ tokens: 2 })
    const body = url.startsWith('/v1')
      ? { messages: [{ role: 'user', content }] }
      : { query: content }
    statuses.push((await app.inject({ method: 'POST', url, as: alice, body })).status)
  }
  await app.stop()

  assert.equal(statuses, [200, 200, 200])
  assert.is(renewals, 3)
})

test('when used up tokens come back is told as the ledger’s clock tells it', async () => {
  const app = await start()
  const { ledger } = app.services as unknown as Services
  const resetAt = new Date(app.clock.now() + 86_400_000).toISOString()
  Object.assign(ledger, {
    open: async () => false,
    balance: async () => ({ used: 7, reserved: 0, resetAt, resetMs: 6_500 }),
  })
  const refused = await app.inject({
    method: 'POST',
    url: '/chat',
    as: alice,
    body: { query: 'x' },
  })
  const usage = await app.inject({ url: '/chat/usage', as: alice })
  await app.stop()

  assert.is(refused.status, 429)
  assert.is(refused.headers['retry-after'], '7')
  assert.is((usage.json() as { resetAt: string }).resetAt, resetAt)
})

for (const [what, url, body] of [
  [
    'a whole answer of OpenAI’s protocol',
    '/v1/chat/completions',
    { messages: [{ role: 'user', content: wish({ fault: 'stall' }) }] },
  ],
  ['a streamed answer', '/chat/stream', { query: wish({ fault: 'stall', at: 0 }) }],
] as const)
  test(`${what} that takes minutes is not taken for lost`, async () => {
    const app = await start()
    const { chat } = app.services as unknown as Services
    const leave = new AbortController()
    const before = upstream.seen.length
    const asked = { method: 'POST', url, as: alice, body, signal: leave.signal } as const
    const asking = app.inject(asked).catch(() => undefined)
    while (upstream.seen.length === before) await sleep(5)
    const held = async () =>
      ((await app.inject({ url: '/chat/usage', as: alice })).json() as { reserved: number })
        .reserved
    const first = await held()
    for (let round = 0; round < 4; round += 1) {
      app.clock.advance(40_000)
      await chat.renew()
    }
    const last = await held()
    leave.abort()
    await asking
    await app.stop()

    assert.ok(first > 0)
    assert.is(last, first)
  })

test.run()
