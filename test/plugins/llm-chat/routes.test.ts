/** What the routes answer, and to whom. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { ChatEvents } from '../../../plugins/llm-chat/contract.ts'
import { alice, eventsIn, post, sse, start } from './routes-fixture.ts'

test('a question streams back as plain text that nothing on the way may keep back', async () => {
  const app = await start()
  const answer = await post(app, '/chat/stream', { query: 'Hola' })

  assert.is(answer.status, 200)
  assert.is(answer.headers['content-type'], 'text/plain; charset=utf-8')
  assert.is(answer.headers['x-accel-buffering'], 'no')
  assert.is(answer.headers['cache-control'], 'no-cache, no-transform')
  assert.match(String(answer.headers['x-stream-id']), /^strm_/)
  assert.match(answer.text, /^¡Hola! Soy el modelo/)
})

test('as events the same answer has numbers, a beginning, the usage and one end', async () => {
  const app = await start()
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
})

test('the fake answers in the language of the question, and the same each time', async () => {
  const app = await start()
  const ask = async (query: string) => (await post(app, '/chat/stream', { query })).text

  assert.match(await ask('¿Cómo implementar cache en .NET?'), /caché/)
  assert.match(await ask('How do I cache in .NET?'), /cache pays off/)
  assert.is(await ask('Tell me a story'), await ask('Tell me a story'))
  assert.is.not(await ask('What is Redis?'), await ask('What is a webhook?'))
})

test('the whole answer says what it used', async () => {
  const app = await start()
  const answer = (await post(app, '/chat', { query: 'Hola', maxOutputTokens: 3 })).json() as {
    answer: string
    finishReason: string
    usage: { outputTokens: number }
  }

  assert.is(answer.answer, '¡Hola! Soy el')
  assert.is(answer.finishReason, 'length')
  assert.is(answer.usage.outputTokens, 3)
})

test('a conversation is told to the model, stored, and deleted', async () => {
  const app = await start()
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
})

test('what belongs to somebody else does not exist', async () => {
  const app = await start()
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
})

test('the models are listed as OpenAI does', async () => {
  const app = await start()
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
})

test('neither the log nor an event holds what was asked or answered', async () => {
  const app = await start({ fakeDelay: '1ms' })
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
})

test.run()
