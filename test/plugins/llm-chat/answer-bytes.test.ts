/** An answer whose text somebody needs whole has a limit: `limits.answerBytes`. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { ChatEvents } from '../../../plugins/llm-chat/contract.ts'
import { until } from '../../harness/until.ts'
import { alice, eventsIn, post, sse, start } from './routes-fixture.ts'
import type { App } from './routes-fixture.ts'
import { answerOf, FaultUpstream, wish } from './upstream.ts'

const tokenBytes = 4_096
const most = 16 * tokenBytes
const endless = wish({ tokens: 1_000_000_000, tokenBytes })

const upstream = await new FaultUpstream().start()
test.after(() => upstream.stop())

const limited = () => start({ baseUrl: upstream.url, model: 'm', limits: { answerBytes: '64KiB' } })

const conversation = async (app: App): Promise<string> => {
  const { id } = (await post(app, '/chat/conversations', {})).json() as { id: string }
  return id
}

async function stored(app: App, conversationId: string) {
  const url = `/chat/conversations/${conversationId}/messages`
  const { items } = (await app.inject({ url, as: alice })).json() as {
    items: { content: string; finishReason: string | null }[]
  }
  const [, answer = { content: '', finishReason: null }] = items
  return answer
}

/** The model is cut off, the answer has ended once, and nothing is held for it. */
async function hasEnded(app: App, finished: readonly { readonly outcome: string }[]) {
  await until(() => upstream.active === 0 && finished.length > 0)
  const usage = (await app.inject({ url: '/chat/usage', as: alice })).json() as { reserved: number }
  assert.equal(
    finished.map(({ outcome }) => outcome),
    ['error'],
  )
  assert.is(usage.reserved, 0)
  assert.is(upstream.seen.at(-1)?.isOver, false)
}

/** The codes of its error events; a good end has none. */
const errorsIn = (text: string) => {
  assert.not.match(text, /event: done/)
  return [...text.matchAll(/^event: error\ndata: (.*)$/gm)].map(
    ([, data]) => (JSON.parse(data ?? '') as { code: string }).code,
  )
}

test('as plain text in a conversation it breaks off, and is stored as far as it may come', async () => {
  const app = await limited()
  const finished = app.heard(ChatEvents, 'llm-chat:request-finished')
  const conversationId = await conversation(app)

  const seen = await post(app, '/chat/stream', { query: endless, conversationId })

  assert.is(seen.complete, false)
  await hasEnded(app, finished)
  const answer = await stored(app, conversationId)
  assert.is(answer.finishReason, 'error')
  assert.ok(answer.content.length <= most && answer.content.startsWith(seen.text))
})

test('as events in a conversation it ends with one error, after all that is stored', async () => {
  const app = await limited()
  const finished = app.heard(ChatEvents, 'llm-chat:request-finished')
  const conversationId = await conversation(app)

  const { text } = await post(app, '/chat/stream', { query: endless, conversationId }, sse)

  assert.equal(errorsIn(text), ['answer_too_large'])
  await hasEnded(app, finished)
  const answer = await stored(app, conversationId)
  const told = eventsIn(text).map(({ data }) => data['text'] ?? '')
  assert.is(answer.finishReason, 'error')
  assert.is(answer.content, told.join(''))
  assert.ok(answer.content.length <= most)
})

test('as a whole answer it is 502', async () => {
  const app = await limited()
  const finished = app.heard(ChatEvents, 'llm-chat:request-finished')

  const seen = await post(app, '/chat', { query: endless })

  assert.is(seen.status, 502)
  assert.is((seen.json() as { code: string }).code, 'answer_too_large')
  await hasEnded(app, finished)
})

test('as a kept answer it ends with one error, for each of its readers', async () => {
  const app = await limited()
  const finished = app.heard(ChatEvents, 'llm-chat:request-finished')

  const first = await post(app, '/chat/stream', { query: endless, resumable: true }, sse)
  const url = `/chat/streams/${String(first.headers['x-stream-id'])}`
  const again = await app.inject({ url, as: alice })

  for (const { text } of [first, again]) assert.equal(errorsIn(text), ['answer_too_large'])
  await hasEnded(app, finished)
})

test('one of just so many bytes is well, and one more is too many', async () => {
  const app = await limited()
  const whole = await post(app, '/chat', { query: wish({ tokens: 16, tokenBytes }) })
  const larger = await post(app, '/chat', { query: wish({ tokens: 1, tokenBytes: 65_537 }) })

  assert.is((whole.json() as { answer: string }).answer.length, most)
  assert.is(larger.status, 502)
})

test('a stream that nobody keeps has no such limit', async () => {
  const app = await limited()
  const query = wish({ tokens: 40, tokenBytes })
  const text = await post(app, '/chat/stream', { query })
  const messages = [{ role: 'user', content: query }]
  const openAi = await post(app, '/v1/chat/completions', { messages, stream: true })

  assert.equal([text.complete, text.text.length], [true, 40 * tokenBytes])
  assert.match(openAi.text, /\[DONE\]\n\n$/)
})

test('a whole answer of many small pieces is all of them', async () => {
  const app = await start({ baseUrl: upstream.url, model: 'm' })
  const seen = await post(app, '/chat', { query: wish({ tokens: 3_500 }) })

  assert.is((seen.json() as { answer: string }).answer, answerOf(3_500))
})

test.run()
