/** What is refused before the model is asked. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { post, start } from './routes-fixture.ts'

const small = { models: { m: { targets: [{ model: 'm' }], maxInputTokens: 100 } } }

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
  test(`${what} is ${status} ${code}, on both routes`, async () => {
    const app = await start(small)
    for (const url of ['/chat', '/chat/stream']) {
      const refused = await post(app, url, body)
      assert.is(refused.status, status)
      assert.is((refused.json() as { code: string }).code, code)
    }
  })

test('more bytes than a request may have are 413, and many of one letter hold up nobody', async () => {
  const app = await start()
  const begun = performance.now()
  const big = await post(app, '/chat', { query: 'a'.repeat(262_144) })
  const long = await post(app, '/chat', { query: 'a'.repeat(81_920) })

  assert.is(big.status, 413)
  assert.is(long.status, 200)
  assert.ok(performance.now() - begun < 2_000)
})

test('neither text nor events is 406', async () => {
  const app = await start()
  assert.is((await post(app, '/chat/stream', { query: 'x' }, { accept: 'image/png' })).status, 406)
})

test('a model that a plan does not have is 403', async () => {
  const app = await start({ models: { big: { targets: [{ model: 'm' }], plans: ['pro'] } } })
  const refused = await post(app, '/chat', { query: 'x' })
  assert.is((refused.json() as { code: string }).code, 'model_not_in_plan')
})

test.run()
