import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { any, open, posting, route, serve } from './http-fixture.ts'

test('the operator caps every body, whatever the route allows', async () => {
  const routes = [
    route({
      ...open,
      method: 'POST',
      path: '/',
      body: { raw: true, maxBytes: 10_000 },
      responses: any,
      handler: () => 1,
    }),
  ]
  const { fetch } = await serve({ routes, limits: { bodyBytes: '100B' } })
  assert.is((await fetch('/', { method: 'POST', body: 'a'.repeat(101) })).status, 413)
  assert.is((await fetch('/', { method: 'POST', body: 'a'.repeat(100) })).status, 200)
})

test('the operator says how many values a body may have', async () => {
  const routes = [posting((body) => body)]
  const { fetch } = await serve({ routes, limits: { jsonValues: 4 } })
  const post = (body: unknown) =>
    fetch('/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  const refused = await post({ a: [1, 2], b: { c: 3 } })

  assert.is((await post({ a: [1, 2], b: 3 })).status, 200)
  assert.is(refused.status, 413)
  const { code, detail, hint } = (await refused.json()) as Record<string, string>
  assert.equal(
    [code, detail, hint],
    [
      'json_too_many_values',
      'At most 4 members and elements are read, those of all levels together.',
      'Send less at a time.',
    ],
  )
})

test.run()
