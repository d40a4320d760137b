import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { testPlugin } from 'autodocops/testing'

import { ChatEvents } from '../../../plugins/llm-chat/contract.ts'
import llmChat from '../../../plugins/llm-chat/index.ts'

const alice = { subject: 'alice' }
const sse = { accept: 'text/event-stream' }

const start = (config: object = {}, services: object = {}) =>
  testPlugin(llmChat, { config: { fakeDelay: '0ms', ...config }, services })
const small = { models: { m: { targets: [{ model: 'm' }], maxInputTokens: 100 } } }
type App = Awaited<ReturnType<typeof start>>

const using =
  (config: object, run: (app: App) => Promise<void>, services: object = {}) =>
  async () => {
    const app = await start(config, services)
    try {
      await run(app)
    } finally {
      await app.stop()
    }
  }
const post = (app: App, url: string, body: unknown, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, as: alice, body, headers })

/** The events of an event stream: name and data. */
const eventsIn = (text: string) =>
  [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)].map(([, id, event, data]) => ({
    id: Number(id),
    event,
    data: JSON.parse(data ?? '') as Readonly<Record<string, unknown>>,
  }))

test(
  'a question streams back as plain text that nothing on the way may keep back',
  using({}, async (app) => {
    const answer = await post(app, '/chat/stream', { query: 'Hola' })

    assert.is(answer.status, 200)
    assert.is(answer.headers['content-type'], 'text/plain; charset=utf-8')
    assert.is(answer.headers['x-accel-buffering'], 'no')
    assert.is(answer.headers['cache-control'], 'no-cache, no-transform')
    assert.match(String(answer.headers['x-stream-id']), /^strm_/)
    assert.match(answer.text, /^¡Hola! Soy el modelo/)
  }),
)

test(
  'as events the same answer has numbers, a beginning, the usage and one end',
  using({}, async (app) => {
    const text = (await post(app, '/chat/stream', { query: 'Hola' })).text
    const answer = await post(app, '/chat/stream', { query: 'Hola' }, sse)
    const events = eventsIn(answer.text)

    assert.equal(
      events.map(({ id }) => id),
      events.map((_, index) => index + 1),
    )
    assert.is(events[0]?.data['streamId'], answer.headers['x-stream-id'])
    const said = events.filter(({ event }) => event === 'delta').map(({ data }) => data['text'])
    assert.is(said.join(''), text)
    assert.equal(
      events.slice(-2).map(({ event }) => event),
      ['usage', 'done'],
    )
  }),
)

test(
  'the fake answers in the language of the question, and the same each time',
  using({}, async (app) => {
    const ask = async (query: string) => (await post(app, '/chat/stream', { query })).text

    assert.match(await ask('¿Cómo implementar cache en .NET?'), /caché/)
    assert.match(await ask('How do I cache in .NET?'), /cache pays off/)
    assert.is(await ask('Tell me a story'), await ask('Tell me a story'))
    assert.is.not(await ask('What is Redis?'), await ask('What is a webhook?'))
  }),
)

test(
  'the whole answer says what it used',
  using({}, async (app) => {
    const answer = (await post(app, '/chat', { query: 'Hola', maxOutputTokens: 3 })).json() as {
      answer: string
      finishReason: string
      usage: { outputTokens: number }
    }

    assert.is(answer.answer, '¡Hola! Soy el')
    assert.is(answer.finishReason, 'length')
    assert.is(answer.usage.outputTokens, 3)
  }),
)

test(
  'a conversation is told to the model, stored, and deleted',
  using({}, async (app) => {
    const made = await post(app, '/chat/conversations', { title: 'Caching' })
    const { id } = made.json() as { id: string }
    await post(app, '/chat', { query: 'What is a cache?', conversationId: id })
    await post(app, '/chat/stream', { query: 'And Redis?', conversationId: id })
    const url = `/chat/conversations/${id}`
    const { items } = (await app.inject({ url: `${url}/messages`, as: alice })).json() as {
      items: { role: string; content: string; finishReason: string | null }[]
    }

    assert.is(made.headers['location'], url)
    assert.equal(
      items.map(({ role }) => role),
      ['user', 'assistant', 'user', 'assistant'],
    )
    assert.is(items[3]?.finishReason, 'stop')
    assert.is((await app.inject({ method: 'DELETE', url, as: alice })).status, 204)
    assert.is((await app.inject({ url, as: alice })).status, 404)
  }),
)

test(
  'what belongs to somebody else does not exist',
  using({}, async (app) => {
    const mallory = { subject: 'mallory' }
    const { id } = (await post(app, '/chat/conversations', {})).json() as { id: string }
    const kept = await post(app, '/chat/stream', { query: 'Hola', resumable: true }, sse)
    const stream = `/chat/streams/${String(kept.headers['x-stream-id'])}`
    const talk = { method: 'POST', url: '/chat', body: { query: 'x', conversationId: id } }

    const statuses = [
      await app.inject({ url: `/chat/conversations/${id}`, as: mallory }),
      await app.inject({ url: `/chat/conversations/${id}/messages`, as: mallory }),
      await app.inject({ method: 'DELETE', url: `/chat/conversations/${id}`, as: mallory }),
      await app.inject({ ...talk, as: mallory }),
      await app.inject({ url: stream, as: mallory }),
      await app.inject({ method: 'DELETE', url: stream, as: mallory }),
    ].map(({ status }) => status)

    assert.equal(statuses, [404, 404, 404, 404, 404, 404])
    assert.is((await app.inject({ url: stream, as: alice })).status, 200)
  }),
)

test(
  'a kept answer is read again from wherever its reader lost it',
  using({}, async (app) => {
    const first = await post(app, '/chat/stream', { query: 'Streaming?', resumable: true }, sse)
    const all = eventsIn(first.text)
    const url = `/chat/streams/${String(first.headers['x-stream-id'])}`

    for (const after of [0, 1, 17, all.length - 1]) {
      const headers = { 'last-event-id': String(after) }
      const again = await app.inject({ url, as: alice, headers })
      assert.equal(eventsIn(again.text), all.slice(after))
    }
    const byQuery = await app.inject({ url: `${url}?after=5`, as: alice })
    assert.equal(eventsIn(byQuery.text), all.slice(5))
  }),
)

test(
  'a kept answer goes on without its reader, and stops when it is told to',
  using({ fakeDelay: '5ms' }, async (app) => {
    const finished = app.heard(ChatEvents, 'llm-chat:request-finished')
    const leave = new AbortController()
    const asked = { method: 'POST', url: '/chat/stream', as: alice, headers: sse } as const
    const body = { query: 'What is streaming?', resumable: true }
    setTimeout(() => leave.abort(), 60)
    const left = await app.inject({ ...asked, body, signal: leave.signal })
    const url = `/chat/streams/${String(left.headers['x-stream-id'])}`
    const running = finished.length

    const stopped = await app.inject({ method: 'DELETE', url, as: alice })
    const rest = await app.inject({ url, as: alice })

    assert.is(left.complete, false)
    assert.is(running, 0)
    assert.is(stopped.status, 202)
    assert.is(finished[0]?.outcome, 'aborted')
    assert.is(rest.text.match(/^event: error$/gm)?.length, 1)
    assert.match(rest.text, /answer_cancelled/)
  }),
)

test(
  'a client that leaves is charged for what it got, and its row says so',
  using({ fakeDelay: '5ms' }, async (app) => {
    const finished = app.heard(ChatEvents, 'llm-chat:request-finished')
    const leave = new AbortController()
    setTimeout(() => leave.abort(), 100)
    const body = { query: 'What is streaming?' }
    const asked = { method: 'POST', url: '/chat/stream', as: alice, body, signal: leave.signal }
    await app.inject(asked)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const usage = (await app.inject({ url: '/chat/usage', as: alice })).json() as {
      used: number
      reserved: number
    }

    const spent = finished[0]?.usage
    assert.is(finished[0]?.outcome, 'aborted')
    assert.is(spent?.estimated, true)
    assert.ok(Number(spent?.outputTokens) > 0)
    assert.equal(usage.used, Number(spent?.inputTokens) + Number(spent?.outputTokens))
    assert.is(usage.reserved, 0)
  }),
)

for (const [what, body, status, code] of [
  ['no question', {}, 422, 'invalid_body'],
  [
    'query and messages',
    { query: 'x', messages: [{ role: 'user', content: 'x' }] },
    422,
    'invalid_body',
  ],
  ['an unknown key', { query: 'x', nope: 1 }, 422, 'invalid_body'],
  ['an unknown model', { query: 'x', model: 'gpt-9' }, 404, 'model_not_found'],
  [
    'an unknown conversation',
    { query: 'x', conversationId: 'conv_1' },
    404,
    'conversation_not_found',
  ],
  ['too long a question', { query: 'x'.repeat(500) }, 400, 'context_length_exceeded'],
  [
    '201 messages',
    { messages: Array.from({ length: 201 }, () => ({ role: 'user', content: 'x' })) },
    422,
    'invalid_body',
  ],
] as const)
  test(
    `${what} is ${status} ${code}, on both routes`,
    using(small, async (app) => {
      for (const url of ['/chat', '/chat/stream']) {
        const refused = await post(app, url, body)
        assert.is(refused.status, status)
        assert.is((refused.json() as { code: string }).code, code)
      }
    }),
  )

test(
  'more bytes than a request may have are 413, and many of one letter hold up nobody',
  using({}, async (app) => {
    const begun = performance.now()
    const big = await post(app, '/chat', { query: 'a'.repeat(262_144) })
    const long = await post(app, '/chat', { query: 'a'.repeat(81_920) })

    assert.is(big.status, 413)
    assert.is(long.status, 200)
    assert.ok(performance.now() - begun < 2_000)
  }),
)

test(
  'neither text nor events is 406',
  using({}, async (app) => {
    assert.is(
      (await post(app, '/chat/stream', { query: 'x' }, { accept: 'image/png' })).status,
      406,
    )
  }),
)

test(
  'too many questions in a minute are 429 with the time to wait, in the words of each protocol',
  using({ limits: { requestsPerMinute: 1 } }, async (app) => {
    await post(app, '/chat', { query: 'x' })
    const refused = await post(app, '/chat', { query: 'x' })
    const messages = [{ role: 'user', content: 'x' }]
    const openAi = await post(app, '/v1/chat/completions', { messages })

    assert.is(refused.status, 429)
    assert.is(refused.headers['retry-after'], '60')
    assert.is((refused.json() as { code: string }).code, 'request_rate_limit')
    assert.is((openAi.json() as { error: { code: string } }).error.code, 'request_rate_limit')
  }),
)

test(
  'used up tokens are 429 that no client tries again, and say when they come back',
  using({ limits: { tokensPerMonth: 10 } }, async (app) => {
    const refused = await post(app, '/chat', { query: 'x' })

    assert.is(refused.status, 429)
    assert.is(refused.headers['x-should-retry'], 'false')
    assert.is((refused.json() as { code: string }).code, 'chat_quota_exceeded')
    // The test clock stands at the beginning of January 2026.
    assert.is(refused.headers['retry-after'], String(31 * 86_400))
  }),
)

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
  const run = async (app: App) => {
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
  }
  await using({}, run, services)()
})

test('what billing refuses is refused, and nothing is held', async () => {
  const services = { billing: billingOf([], { ok: false, remaining: 5, resetAt: null }) }
  await using(
    { limits: { concurrent: 1 } },
    async (app) => {
      assert.is((await post(app, '/chat', { query: 'x' })).status, 429)
      const again = (await post(app, '/chat', { query: 'x' })).json() as { code: string }
      assert.is(again.code, 'chat_quota_exceeded')
    },
    services,
  )()
})

test('while billing does not answer this plugin’s own limits hold', async () => {
  const down = () => Promise.reject(new Error('down'))
  const services = { billing: { plan: down, usage: down, reserve: down, commit: down } }
  await using(
    { limits: { tokensPerMonth: 5_000 } },
    async (app) => {
      assert.is((await post(app, '/chat', { query: 'x' })).status, 200)
      assert.is((await post(app, '/chat', { query: 'x', maxOutputTokens: 4_990 })).status, 200)
      const report = (await app.inject({ url: '/chat/usage', as: alice })).json() as {
        limit: number
      }
      assert.is(report.limit, 5_000)
    },
    services,
  )()
})

test(
  'a model that a plan does not have is 403',
  using({ models: { big: { targets: [{ model: 'm' }], plans: ['pro'] } } }, async (app) => {
    const refused = await post(app, '/chat', { query: 'x' })
    assert.is((refused.json() as { code: string }).code, 'model_not_in_plan')
  }),
)

test(
  'the models are listed as OpenAI does',
  using({}, async (app) => {
    const { data } = (await app.inject({ url: '/v1/models', as: alice })).json() as {
      data: { id: string; object: string }[]
    }

    assert.equal(
      data.map(({ id, object }) => [id, object]),
      [['fake', 'model']],
    )
    assert.is((await app.inject({ url: '/v1/models/fake', as: alice })).status, 200)
    const missing = await app.inject({ url: '/v1/models/nope', as: alice })
    assert.is((missing.json() as { error: { code: string } }).error.code, 'model_not_found')
  }),
)

test(
  'neither the log nor an event holds what was asked or answered',
  using({ fakeDelay: '1ms' }, async (app) => {
    const told = [
      app.heard(ChatEvents, 'llm-chat:request-finished'),
      app.heard(ChatEvents, 'llm-chat:tokens-used'),
      app.heard(ChatEvents, 'llm-chat:first-token-received'),
    ]
    await post(app, '/chat', { query: 'canary cache' })
    await post(app, '/chat/stream', { query: 'canary cache', resumable: true }, sse)
    await post(app, '/v1/chat/completions', { messages: [{ role: 'user', content: 'canary' }] })

    const said = JSON.stringify([app.logs, told])
    assert.ok(told[0]?.length === 3)
    assert.not.match(said, /canary|cache pays off/)
  }),
)

test.run()
