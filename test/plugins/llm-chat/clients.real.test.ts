/** Software that we did not write on both sides: OpenAI's SDK 6 and 7 as clients, aimock as the model. */
import process from 'node:process'

import { LLMock } from '@copilotkit/aimock'
import OpenAI from 'openai'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { serve } from './server.ts'

const mock = new LLMock({ port: 0, logLevel: 'silent' })
mock.on({ userMessage: 'hola' }, { content: 'Buenos días, ¿qué tal? 🙂' }, { chunkSize: 3 })
mock.on(
  { userMessage: 'weather' },
  { toolCalls: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Málaga"}' }] },
)
mock.on(
  { userMessage: 'cut' },
  { content: 'x'.repeat(400) },
  { chunkSize: 4, truncateAfterChunks: 5, streamingProfile: { ttft: 20, tps: 50 } },
)
mock.on(
  { userMessage: 'busy' },
  { error: { message: 'canary', code: 'rate_limit_exceeded' }, status: 429, retryAfter: 60 },
)
mock.on(
  { userMessage: 'key' },
  { error: { message: 'canary', code: 'invalid_api_key' }, status: 401 },
)
mock.on(
  { userMessage: 'wrong' },
  { error: { message: 'canary', code: 'invalid_value' }, status: 400 },
)
await mock.start()
const target = { targets: [{ model: 'gpt-4o-mini' }] }
const app = await serve({
  apiKey: 'upstream-key',
  baseUrl: `${mock.url}/v1`,
  // What fails is asked of a model of its own: its breaker opens, and nobody else's.
  models: { 'gpt-4o-mini': target, failing6: target, failing7: target },
})
test.after(async () => {
  await app.stop()
  await mock.stop()
})

const tools = [
  {
    type: 'function',
    function: {
      name: 'weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  },
] as const
const failing = new Set(['cut', 'busy', 'key', 'wrong'])
const messages = (content: string) => [{ role: 'user', content }] as const

/** SDK 7 declares Node 22; on older ones only 6 is a client that anybody has. */
const isModern = Number(process.versions.node.split('.')[0]) >= 22
const sdks = [
  ['6', OpenAI],
  ...(isModern
    ? [['7', (await import('openai7')).default as unknown as typeof OpenAI] as const]
    : []),
] as const

for (const [version, Sdk] of sdks) {
  const client = new Sdk({ apiKey: 'alice', baseURL: `${app.url}/v1`, maxRetries: 0 })
  const model = (content: string) => (failing.has(content) ? `failing${version}` : 'gpt-4o-mini')
  const ask = (content: string, more: object = {}): Promise<unknown> =>
    client.chat.completions.create({
      model: model(content),
      messages: [...messages(content)],
      ...more,
    })

  test(`SDK ${version} streams an answer, and its usage when it asks for it`, async () => {
    const asked = { stream: true, stream_options: { include_usage: true } } as const
    let text = ''
    let used = 0
    for await (const chunk of (await ask('hola', asked)) as AsyncIterable<Chunk>) {
      text += chunk.choices[0]?.delta?.content ?? ''
      used += chunk.usage?.total_tokens ?? 0
    }

    assert.is(text, 'Buenos días, ¿qué tal? 🙂')
    assert.ok(used > 0)
  })

  test(`SDK ${version} gets no chunk without a choice when it did not ask for the usage`, async () => {
    for await (const chunk of (await ask('hola', { stream: true })) as AsyncIterable<Chunk>)
      assert.is(chunk.choices.length, 1)
  })

  test(`SDK ${version} reads a whole answer`, async () => {
    const { choices, usage } = (await ask('hola')) as OpenAI.ChatCompletion

    assert.is(choices[0]?.message.content, 'Buenos días, ¿qué tal? 🙂')
    assert.ok(Number(usage?.total_tokens) > 0)
  })

  test(`SDK ${version} gets the model’s tool calls, streamed and not`, async () => {
    const whole = (await ask('weather', { tools })) as OpenAI.ChatCompletion
    let streamed = ''
    for await (const chunk of (await ask('weather', {
      tools,
      stream: true,
    })) as AsyncIterable<Chunk>)
      streamed += chunk.choices[0]?.delta?.tool_calls?.[0]?.function?.arguments ?? ''

    const [call] = whole.choices[0]?.message.tool_calls ?? []
    assert.is(call?.type === 'function' && call.function.arguments, '{"city":"Málaga"}')
    assert.is(streamed, '{"city":"Málaga"}')
  })

  test(`SDK ${version} hears of a model that broke off`, async () => {
    const error = await failureOf(async () => {
      for await (const _ of (await ask('cut', { stream: true })) as AsyncIterable<Chunk>) void _
    })

    assert.is(error.code, 'model_disconnected')
  })

  for (const [word, status, code] of [
    ['busy', 503, 'model_overloaded'],
    ['key', 502, 'model_credentials_refused'],
    ['wrong', 400, 'model_refused_request'],
  ] as const)
    test(`SDK ${version} gets ${status} ${code} for the model’s ${word}, and not a word of it`, async () => {
      const error = await failureOf(() => ask(word))

      assert.is(error.status, status)
      assert.is(error.code, code)
      assert.not.match(JSON.stringify(error) + error.message, /canary/)
    })

  test(`SDK ${version} lists the models`, async () => {
    const names: string[] = []
    for await (const model of client.models.list()) names.push(model.id)

    assert.equal(names, ['gpt-4o-mini', 'failing6', 'failing7'])
  })
}

test('the model is asked what the client asked, and for its usage', async () => {
  const body = { messages: messages('hola'), max_tokens: 50, seed: 7, user: 'u', stream: true }
  await (await app.post('/v1/chat/completions', body)).text()
  const last = mock.getRequests().at(-1)
  const seen = last?.body as unknown as Record<string, unknown>

  assert.is(seen['seed'], 7)
  assert.is(seen['user'], 'u')
  assert.is(seen['max_tokens'], 50)
  assert.equal(seen['stream_options'], { include_usage: true })
})

interface Chunk {
  readonly choices: readonly {
    readonly delta?: {
      readonly content?: string | null
      readonly tool_calls?: readonly { readonly function?: { readonly arguments?: string } }[]
    }
  }[]
  readonly usage?: { readonly total_tokens: number } | null
}

async function failureOf(
  run: () => Promise<unknown>,
): Promise<{ status?: number; code?: string; message: string }> {
  try {
    await run()
  } catch (error) {
    return error as { message: string }
  }
  throw new Error('nothing failed')
}

test.run()
