import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { OpenAiModel } from '../../../plugins/llm-chat/model-openai.ts'
import type { OpenAiOptions } from '../../../plugins/llm-chat/model-openai.ts'
import { failureOf } from './model-conformance.ts'
import { answerOf, FaultUpstream, wish } from './upstream.ts'
import type { Wish } from './upstream.ts'

const upstream = await new FaultUpstream().start()
const models: OpenAiModel[] = []
test.after(async () => {
  await Promise.all(models.map((model) => model.close()))
  await upstream.stop()
})

function make(options: Partial<OpenAiOptions> = {}): OpenAiModel {
  const model = new OpenAiModel({
    provider: 'openai',
    model: 'deployed',
    baseUrl: upstream.url,
    apiKey: 'our-key',
    apiVersion: '2024-10-21',
    includeUsage: true,
    requireFinish: true,
    maxTokensParam: 'max_completion_tokens',
    connectMs: 1_000,
    ...options,
  })
  models.push(model)
  return model
}

const never = new AbortController().signal
const question = (asked: Wish = {}, more: object = {}) => ({
  body: { messages: [{ role: 'user', content: wish(asked) }], ...more },
  maxOutputTokens: 50,
  choices: 1,
})
const last = () => upstream.seen.at(-1)

async function textOf(model: OpenAiModel, asked: Wish): Promise<string> {
  let text = ''
  for await (const deltas of model.stream(question(asked), never))
    text += deltas.map((delta) => delta.text).join('')
  return text
}

test('OpenAI is asked with a bearer key, our model and our limit', async () => {
  await make().complete(question({}, { seed: 7 }), never)

  assert.is(last()?.path, '/v1/chat/completions')
  assert.is(last()?.headers.authorization, 'Bearer our-key')
  assert.is(last()?.body['model'], 'deployed')
  assert.is(last()?.body['max_completion_tokens'], 50)
  assert.is(last()?.body['seed'], 7)
})

test('Azure is asked at its deployment, with its version and its own key header', async () => {
  process.env['OPENAI_BASE_URL'] = 'http://127.0.0.1:9/elsewhere'
  try {
    const model = make({ provider: 'azure', baseUrl: new URL(upstream.url).origin })
    await model.complete(question(), never)
  } finally {
    delete process.env['OPENAI_BASE_URL']
  }

  const path = '/openai/deployments/deployed/chat/completions?api-version=2024-10-21'
  assert.is(last()?.path, path)
  assert.is(last()?.headers['api-key'], 'our-key')
  assert.is(last()?.headers.authorization, undefined)
})

test('a server without a key gets none, not even one from the environment', async () => {
  process.env['OPENAI_API_KEY'] = 'from-the-environment'
  try {
    await make({ apiKey: undefined }).complete(question(), never)
  } finally {
    delete process.env['OPENAI_API_KEY']
  }

  assert.is(last()?.headers.authorization, undefined)
})

test('what a server calls the limit can be said', async () => {
  await make({ maxTokensParam: 'max_tokens' }).complete(question(), never)

  assert.is(last()?.body['max_tokens'], 50)
  assert.is(last()?.body['max_completion_tokens'], undefined)
})

for (const fault of ['pieces', 'crlf', 'empty-first', 'no-done', 'no-usage'])
  test(`an answer that comes as ${fault} is the same answer`, async () => {
    assert.is(await textOf(make(), { fault, tokens: 8 }), answerOf(8))
  })

test('an end without a reason is an end only where that was said', async () => {
  const asked = { fault: 'done-only', tokens: 4 }

  assert.is((await failureOf(() => textOf(make(), asked))).kind, 'disconnected')
  assert.is(await textOf(make({ requireFinish: false }), asked), answerOf(4))
})

test('with several answers asked for, one finish is not the end', async () => {
  const model = make()
  const failure = await failureOf(async () => {
    const asked = { ...question({ tokens: 2 }), choices: 2 }
    for await (const _ of model.stream(asked, never)) void _
  })

  assert.is(failure.kind, 'disconnected')
})

for (const [status, kind] of [
  ['400', 'bad_request'],
  ['401', 'auth'],
  ['403', 'auth'],
  ['404', 'failed'],
  ['408', 'overloaded'],
  ['413', 'bad_request'],
  ['422', 'bad_request'],
  ['429', 'rate_limited'],
  ['500', 'overloaded'],
  ['503', 'overloaded'],
  ['302', 'bad_response'],
] as const)
  test(`the status ${status} is ${kind}`, async () => {
    assert.is((await failureOf(() => textOf(make(), { fault: status }))).kind, kind)
  })

for (const [code, kind] of [
  ['insufficient_quota', 'insufficient_quota'],
  ['context_length_exceeded', 'context_length'],
  ['content_filter', 'content_filter'],
] as const)
  test(`the code ${code} says more than its status`, async () => {
    const asked = { fault: '429', text: code }

    assert.is((await failureOf(() => textOf(make(), asked))).kind, kind)
  })

test('how long the model wants to be left alone is read', async () => {
  const failure = await failureOf(() => textOf(make(), { fault: '429', retryAfter: '7' }))

  assert.is(failure.retryAfterMs, 7_000)
})

test('a page instead of an event stream is no answer', async () => {
  assert.is((await failureOf(() => textOf(make(), { fault: 'html' }))).kind, 'bad_response')
})

test('a failure holds nothing of what the model said', async () => {
  for (const fault of [
    '400',
    '401',
    '429',
    '500',
    'bad-json',
    'error-data',
    'error-event',
    'html',
  ]) {
    const failure = await failureOf(() => textOf(make(), { fault }))
    const said = `${failure.message} ${String(failure.cause)} ${JSON.stringify(failure)} ${failure.stack}`
    assert.not.match(said, /canary/)
  }
})

test('connections are used again after a finished stream', async () => {
  const model = make()
  const ports = new Set<string | undefined>()
  for (let round = 0; round < 5; round += 1) {
    await textOf(model, { tokens: 2 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    ports.add(last()?.clientPort)
  }

  assert.ok(ports.size < 5, 'each had a connection of its own')
})

test.run()
