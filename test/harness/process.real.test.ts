import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { run, startServer } from './process.ts'

const manifest = 'plugins: {}\n'

test('a real server answers on the address that it printed, and ends with 0 on SIGTERM', async () => {
  const server = await startServer({ manifest })

  const reply = await fetch(new URL('/healthz', server.url))
  await reply.body?.cancel()
  const code = await server.stop()

  assert.is(reply.status, 200)
  assert.is(code, 0)
})

test('a verb is run to its end', async () => {
  const { code, stderr } = await run(['check'], { manifest: 'plugins: { nope: true }\n' })

  assert.is(code, 78)
  assert.match(stderr, 'nope')
})

test('a server that cannot start says why', async () => {
  const failure = await startServer({ manifest: 'plugins: [\n' }).catch((error: Error) => error)

  assert.ok(failure instanceof Error)
  assert.match(failure.message, 'ended with 78')
  assert.match(failure.message, 'E_SYNTAX')
})

test.run()
