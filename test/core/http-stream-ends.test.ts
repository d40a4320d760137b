/** Who ends a stream, and that its source is given back. */
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { timed } from '../harness/stopwatch.ts'
import { until } from '../harness/until.ts'
import { serve } from './http-fixture.ts'
import { readAll, sse, streaming, text, type Source } from './http-stream-fixture.ts'

/** Yields, then waits for ever; tells when it is given back. */
class Silent implements AsyncIterableIterator<string> {
  isReturned = false
  readonly #chunks: string[]

  constructor(...chunks: string[]) {
    this.#chunks = chunks
  }

  [Symbol.asyncIterator]() {
    return this
  }

  next(): Promise<IteratorResult<string>> {
    const value = this.#chunks.shift()
    if (value === undefined) return new Promise(() => undefined)
    return Promise.resolve({ done: false, value })
  }

  return(): Promise<IteratorResult<string>> {
    this.isReturned = true
    return Promise.resolve({ done: true, value: undefined })
  }
}

/** A signal that counts who listens. */
class CountingSignal extends EventTarget {
  readonly aborted = false
  listeners = 0
  most = 0

  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.most = Math.max(this.most, ++this.listeners)
    super.addEventListener(...args)
  }

  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--
    super.removeEventListener(...args)
  }
}

test('a source that is silent before its first chunk is 503 in time, and given back', async () => {
  const source = new Silent()
  const routes = [streaming(text, () => source, { timeoutMs: 80 })]
  const { fetch } = await serve({ routes })
  assert.is((await fetch('/')).status, 503)
  assert.ok(source.isReturned)
})

test('when the client leaves, the silent source is given back at once', async () => {
  const source = new Silent('a')
  const { fetch, events, lines } = await serve({ routes: [streaming(text, () => source)] })
  const leaving = new AbortController()
  const got = await fetch('/', { signal: leaving.signal })
  await got.body?.getReader().read()
  leaving.abort()

  const { ms } = await timed(() => until(() => source.isReturned))
  assert.ok(ms < 1_500, `${ms} ms`)
  await until(() => events.length === 4)
  assert.is(events.at(-1)?.payload['outcome'], 'aborted')
  assert.is(lines.at(-1)?.['status'], 499)
})

test('when the client leaves, the signal of the handler aborts', async () => {
  let isAborted = false
  const source: Source = async function* ({ signal }) {
    signal.addEventListener('abort', () => (isAborted = true))
    yield 'a'
    await sleep(5_000, undefined, { signal, ref: false })
  }
  const { fetch } = await serve({ routes: [streaming(text, source)] })
  const leaving = new AbortController()
  await fetch('/', { signal: leaving.signal })
  leaving.abort()

  await until(() => isAborted)
  assert.ok(isAborted)
})

test('a source that falls silent after its first chunk is cut after its idle time', async () => {
  const source = new Silent('data: 1\n\n')
  const routes = [streaming(sse, () => source, { stream: { idleMs: 60, totalMs: 5_000 } })]
  const { fetch } = await serve({ routes })
  const got = await readAll(await fetch('/'))

  assert.match(got.text, '"code":"stream_timeout"')
  assert.ok(source.isReturned)
})

test('a stream does not live longer than its total time, however busy', async () => {
  async function* endless() {
    for (;;) {
      yield 'x'
      await sleep(10)
    }
  }
  const routes = [streaming(text, endless, { stream: { idleMs: 1_000, totalMs: 120 } })]
  const { fetch } = await serve({ routes })
  const { value, ms } = await timed(async () => readAll(await fetch('/')))

  assert.not.ok(value.complete)
  assert.ok(ms < 3_000, `${ms} ms`)
})

test('a drain ends event streams with an event, and text by breaking the connection', async () => {
  const drain = new AbortController()
  const [events, words] = [new Silent('data: 1\n\n'), new Silent('word ')]
  const routes = [
    streaming(sse, () => events, {}, '/sse'),
    streaming(text, () => words, {}, '/text'),
  ]
  const { fetch } = await serve({ routes, drain: drain.signal })
  const open_ = await Promise.all([fetch('/sse'), fetch('/text')])
  drain.abort()
  const [first, second] = await Promise.all(open_.map(readAll))

  assert.match(first?.text ?? '', /retry: 1000\nevent: error\ndata: .*"code":"server_draining"/)
  assert.equal(second, { text: 'word ', complete: false })
  assert.ok(events.isReturned && words.isReturned)
})

test('a plugin that must stop now ends its own streams only', async () => {
  const stopping = new AbortController()
  const [gone, kept] = [new Silent('data: 1\n\n'), new Silent('data: 1\n\n')]
  const plugins = [
    { name: 'a', routes: [streaming(sse, () => gone, {}, '/a')], signal: stopping.signal },
    { name: 'b', routes: [streaming(sse, () => kept, {}, '/b')] },
  ]
  const { fetch } = await serve({ plugins })
  const [a] = await Promise.all([fetch('/a'), fetch('/b')])
  stopping.abort()

  assert.match((await readAll(a)).text, '"code":"plugin_stopped"')
  assert.ok(gone.isReturned)
  assert.not.ok(kept.isReturned)
})

test('an application whose streams are over hangs on no signal', async () => {
  const drain = new CountingSignal()
  async function* one() {
    yield 'a'
    await sleep(10)
  }
  const server = await serve({
    routes: [streaming(text, one)],
    drain: drain as unknown as AbortSignal,
  })
  await Promise.all(Array.from({ length: 20 }, async () => (await server.fetch('/')).text()))
  await until(() => server.listener.inFlight === 0)

  assert.equal([drain.most > 0, drain.listeners], [true, 0])
})

test('HEAD on a stream gives it back unread', async () => {
  const source = new Silent('a')
  const { fetch } = await serve({ routes: [streaming(text, () => source)] })
  const got = await fetch('/', { method: 'HEAD' })

  assert.is(got.status, 200)
  assert.ok(source.isReturned)
})

test('more streams than the limit are shed, and a stream is no request in flight', async () => {
  const sources: Silent[] = []
  const silent = () => {
    const source = new Silent('a')
    sources.push(source)
    return source
  }
  const limits = { streams: 3, inFlight: 1 }
  const { fetch, events } = await serve({ routes: [streaming(text, silent)], limits })
  const leaving = new AbortController()
  const { signal } = leaving
  for (let i = 0; i < 3; i++) assert.is((await fetch('/', { signal })).status, 200)

  const shed = await fetch('/', { signal })
  leaving.abort()

  assert.is(shed.status, 503)
  assert.ok(sources[3]?.isReturned)
  assert.equal(events.find(({ name }) => name === 'http:request-shed')?.payload, {
    reason: 'streams',
  })
})

test.run()
