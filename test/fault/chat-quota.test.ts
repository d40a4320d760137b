import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { serve } from '../plugins/llm-chat/server.ts'

const query = 'What is streaming?'
/** Less than the answer has: each one uses all that was reserved for it, whenever it ends. */
const maxOutputTokens = 40
/** Four for the message, and a quarter of its bytes. */
const estimated = 4 + Math.ceil(Buffer.byteLength(query) / 4)

interface Usage {
  readonly used: number
  readonly reserved: number
  readonly limit: number
}

test('a hundred at once get as many answers as the quota holds, and never one more', async () => {
  const tokensPerMonth = 10 * (estimated + maxOutputTokens)
  const app = await serve({ fakeDelay: '3ms', limits: { tokensPerMonth } })
  const usage = async () => (await (await app.get('/chat/usage')).json()) as Usage
  const over: number[] = []
  let isRunning = true
  const watching = (async () => {
    while (isRunning) {
      const { used, reserved } = await usage()
      if (used + reserved > tokensPerMonth) over.push(used + reserved)
    }
  })()

  const replies = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const reply = await app.post('/chat', { query, maxOutputTokens })
      return { status: reply.status, body: (await reply.json()) as Reply }
    }),
  )
  isRunning = false
  await watching
  const admitted = replies.filter(({ status }) => status === 200)
  const spent = admitted.reduce((sum, { body }) => {
    const { inputTokens = 0, outputTokens = 0 } = body.usage ?? {}
    return sum + inputTokens + outputTokens
  }, 0)
  const settled = await usage()
  await app.stop()

  assert.is(admitted.length, 10)
  assert.is(replies.filter(({ status }) => status === 429).length, 90)
  assert.equal(over, [])
  assert.equal([settled.used, settled.reserved], [spent, 0])
})

interface Reply {
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number }
}

test.run()
