import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { formats, observe, requestOf } from './fault-matrix.ts'
import { serve } from './server.ts'

const app = await serve({ fakeDelay: '10ms' })
test.after(() => app.stop())

const stop = async (id: string, as: string): Promise<number> => {
  const headers = { authorization: `Bearer ${as}` }
  return (await fetch(`${app.url}/chat/streams/${id}`, { method: 'DELETE', headers })).status
}

for (const format of formats)
  test(`an answer stops when its owner says so, and its reader hears of it: ${format}`, async () => {
    const { path, body, accept } = requestOf(format, 'What is streaming, and how do I cache?')
    const reply = await app.post(path, body, { accept })
    const id = String(reply.headers.get('x-stream-id'))

    const byOther = await stop(id, 'mallory')
    const byOwner = await stop(id, 'alice')
    const seen = await observe(Promise.resolve(reply))

    assert.equal([byOther, byOwner], [404, 202])
    // What is kept is there for some time more, and stopping it again changes nothing.
    assert.is(await stop(id, 'alice'), format === 'kept' ? 202 : 404)
    if (format === 'text') assert.not(seen.isComplete)
    else assert.match(seen.text, /^(?!.*(\[DONE\]|event: done)).*answer_cancelled[^\n]*\n*$/s)
  })

test('what was written until the stop is in the conversation, and says that it was stopped', async () => {
  const { id } = (await (await app.post('/chat/conversations', {})).json()) as { id: string }
  const reply = await app.post('/chat/stream', { query: 'What is streaming?', conversationId: id })
  await stop(String(reply.headers.get('x-stream-id')), 'alice')
  const { text } = await observe(Promise.resolve(reply))

  const messages = await app.get(`/chat/conversations/${id}/messages`)
  const { items } = (await messages.json()) as {
    items: { content: string; finishReason: string | null }[]
  }

  assert.is(items.length, 2)
  assert.is(items[1]?.finishReason, 'cancelled')
  assert.ok(text.length > 0 && String(items[1]?.content).startsWith(text))
})

test('what nobody ever had cannot be stopped', async () => {
  assert.is(await stop('strm_01990f3e-7c1a-7d2b-8a52-0c3b9a1f5e77', 'alice'), 404)
})

test.run()
