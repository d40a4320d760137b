/** An answer whose reader leaves: kept for another, stopped, charged. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { ChatEvents } from '../../../plugins/llm-chat/contract.ts'
import { until } from '../../harness/until.ts'
import { alice, eventsIn, post, sse, start } from './routes-fixture.ts'

/** A client that leaves after some pieces of its answer. */
function leaving(pieces: number) {
  const leave = new AbortController()
  let seen = 0
  const onChunk = () => void ((seen += 1) === pieces && leave.abort())
  return { onChunk, signal: leave.signal }
}

test('a kept answer is read again from wherever its reader lost it', async () => {
  const app = await start()
  const first = await post(app, '/chat/stream', { query: 'Streaming?', resumable: true }, sse)
  const all = eventsIn(first.text)
  const url = `/chat/streams/${String(first.headers['x-stream-id'])}`

  for (const after of [0, 1, 17, all.length - 1]) {
    const headers = { 'last-event-id': String(after) }
    const again = await app.inject({ url, as: alice, headers })
    assert.equal(eventsIn(again.text), all.slice(after))
  }
  const byQuery = await app.inject({ url: `${url}?after=5`, as: alice })
  assert.equal(eventsIn(byQuery.text), all.slice(5))
})

test('a kept answer goes on without its reader, and stops when it is told to', async () => {
  const app = await start({ fakeDelay: '5ms' })
  const finished = app.heard(ChatEvents, 'llm-chat:request-finished')
  const asked = { method: 'POST', url: '/chat/stream', as: alice, headers: sse } as const
  const body = { query: 'What is streaming?', resumable: true }
  const left = await app.inject({ ...asked, ...leaving(3), body })
  const url = `/chat/streams/${String(left.headers['x-stream-id'])}`
  const running = finished.length

  const stopped = await app.inject({ method: 'DELETE', url, as: alice })
  const rest = await app.inject({ url, as: alice })
  const last = String(eventsIn(rest.text).length)
  const end = await app.inject({ url, as: alice, headers: { 'last-event-id': last } })

  assert.is(left.complete, false)
  assert.is(running, 0)
  assert.is(stopped.status, 202)
  assert.is(finished[0]?.outcome, 'aborted')
  assert.is(rest.text.match(/^event: error$/gm)?.length, 1)
  assert.match(rest.text, /answer_cancelled/)
  // Where only the error is left it is an event too, no status.
  assert.is(end.status, 200)
  assert.match(end.text, /^event: error$/m)
  assert.match(end.text, /answer_cancelled/)
})

test('a client that leaves is charged for what it got, and its row says so', async () => {
  const app = await start({ fakeDelay: '5ms' })
  const finished = app.heard(ChatEvents, 'llm-chat:request-finished')
  const body = { query: 'What is streaming?' }
  await app.inject({ method: 'POST', url: '/chat/stream', as: alice, body, ...leaving(3) })
  const usageNow = async () =>
    (await app.inject({ url: '/chat/usage', as: alice })).json() as {
      used: number
      reserved: number
    }
  await until(async () => finished.length > 0 && (await usageNow()).reserved === 0)
  const usage = await usageNow()

  const spent = finished[0]?.usage
  assert.is(finished[0]?.outcome, 'aborted')
  assert.is(spent?.estimated, true)
  assert.ok(Number(spent?.outputTokens) > 0)
  assert.equal(usage.used, Number(spent?.inputTokens) + Number(spent?.outputTokens))
})

test.run()
