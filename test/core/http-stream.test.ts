/** What comes out of a stream, and how a failure shows in it. */
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { problems } from '../../core/errors.ts'
import { until } from '../harness/until.ts'
import { gate } from './host-probes.ts'
import { serve } from './http-fixture.ts'
import { readAll, sse, streaming, text } from './http-stream-fixture.ts'

const E = problems({
  model_failed: { status: 502, title: 'The model failed', detail: 'with inner facts' },
})
test('chunks arrive while the source goes on', async () => {
  const going = gate()
  async function* slow() {
    yield 'a'
    await going.opened
    yield new Uint8Array([98])
  }
  const { fetch, events } = await serve({ routes: [streaming(text, slow)] })
  const got = await fetch('/')
  const first = await got.body?.getReader().read()
  going.open()

  assert.is(got.headers.get('content-type'), 'text/plain; charset=utf-8')
  assert.is(new TextDecoder().decode(first?.value), 'a')
  await until(() => events.some(({ name }) => name === 'http:stream-finished'))
  assert.equal(
    events.map(({ name }) => name),
    [
      'http:request-started',
      'http:stream-started',
      'http:request-finished',
      'http:stream-finished',
    ],
  )
  assert.is(events.at(-2)?.payload['streamed'], true)
})

test('an error before the first chunk is an ordinary problem', async () => {
  // oxlint-disable-next-line require-yield -- it fails before it yields
  async function* broken(): AsyncGenerator<string> {
    throw E.model_failed()
  }
  const { fetch } = await serve({ routes: [streaming(text, broken)] })
  const got = await fetch('/')

  assert.is(got.status, 502)
  assert.is(got.headers.get('content-type'), 'application/problem+json')
})

test('an error after the first chunk of text breaks the connection, with nothing in band', async () => {
  async function* broken() {
    yield 'half '
    await sleep(20)
    throw E.model_failed()
  }
  const { fetch } = await serve({ routes: [streaming(text, broken)] })
  assert.equal(await readAll(await fetch('/')), { text: 'half ', complete: false })
})

test('an error after the first event is an event of its own, without inner facts', async () => {
  async function* broken() {
    yield 'data: 1\n\n'
    yield 'data: half'
    await sleep(20)
    throw E.model_failed()
  }
  const { fetch } = await serve({ routes: [streaming(sse, broken)] })
  const got = await readAll(await fetch('/'))

  assert.ok(got.complete)
  assert.match(got.text, /^data: 1\n\ndata: half\n\nretry: \d+\nevent: error\ndata: \{.*\}\n\n$/)
  assert.match(got.text, '"code":"model_failed"')
  assert.not.match(got.text, 'inner facts')
})

test('an error event of /v1 is in the envelope of OpenAI', async () => {
  async function* broken() {
    yield 'data: 1\n\n'
    throw new Error('inner')
  }
  const { fetch } = await serve({ routes: [streaming(sse, broken, {}, '/v1/x')] })
  const { text: got } = await readAll(await fetch('/v1/x'))

  assert.match(got, 'event: error\ndata: {"error":{"message":"Something broke on our side"')
})

test('a source is asked for more only when the socket takes more', async () => {
  let made = 0
  async function* fast() {
    for (; made < 2_000; made++) yield 'x'.repeat(65_536)
  }
  const { fetch } = await serve({ routes: [streaming(text, fast)] })
  const got = await fetch('/')
  await sleep(200)
  const ahead = made
  await got.body?.cancel()

  assert.ok(ahead < 1_000, `${ahead} chunks of 64 KiB were made for a reader that reads nothing`)
})

test('a source that throws instead of rejecting ends as any other failure, also after a full socket', async () => {
  const source = (value: string) => {
    const steps = [() => Promise.resolve({ done: false, value })]
    const fail = () => {
      throw E.model_failed()
    }
    return { [Symbol.asyncIterator]: () => ({ next: () => (steps.pop() ?? fail)() }) }
  }
  const chunks = ['data: 1\n\n', `data: ${'x'.repeat(8 * 1_048_576)}\n\n`]
  const routes = chunks.map((chunk, at) => streaming(sse, () => source(chunk), {}, `/${at}`))
  const { fetch } = await serve({ routes })
  for (const path of ['/0', '/1'])
    assert.match((await readAll(await fetch(path))).text.slice(-1_000), '"code":"model_failed"')
})

test('a chunk that is neither text nor bytes is our failure', async () => {
  async function* wrong() {
    yield { a: 1 }
  }
  const { fetch, lines } = await serve({ routes: [streaming(text, wrong)] })
  await fetch('/').then(readAll, () => undefined)
  await until(() => lines.length > 0)

  assert.match(JSON.stringify(lines.at(-1)?.['err']), 'text or bytes')
})

test.run()
