import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { testPlugin } from 'autodocops/testing'

import llmChat from '../../../plugins/llm-chat/index.ts'

const alice = { subject: 'alice' }
const start = (config: object = {}) => testPlugin(llmChat, { config: { fakeDelay: '0ms', ...config } })

test('a question streams back as plain text', async () => {
  const app = await start()

  const answer = await app.inject({ method: 'POST', url: '/chat/stream', as: alice, body: { query: 'Hola' } })

  assert.is(answer.status, 200)
  assert.is(answer.headers['content-type'], 'text/plain; charset=utf-8')
  assert.is(answer.headers['x-accel-buffering'], 'no')
  assert.match(answer.text, /^¡Hola! Soy el modelo/)
  await app.stop()
})

for (const [accept, url, body] of [
  ['text/event-stream', '/chat/stream', { query: 'What is streaming?' }],
  ['text/event-stream', '/chat/stream', { query: 'What is streaming?', resumable: true }],
  ['*/*', '/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }], stream: true }],
  ['*/*', '/v1/chat/completions', { messages: [{ role: 'user', content: 'hi' }] }],
  ['*/*', '/chat', { query: 'cache?' }],
] as const)
  test(`tmp ${url}`, async () => {
    const app = await start()
    const answer = await app.inject({ method: 'POST', url, as: alice, body, headers: { accept } })
    console.log(answer.status, answer.headers, answer.text.slice(0, 700), '...', answer.text.slice(-300))
    console.log((await app.inject({ url: '/chat/usage', as: alice })).text)
    await app.stop()
  })

test.run()
