import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { logContext } from '../../core/log-context.ts'
import { until } from '../harness/until.ts'
import { any, getting, json, open, route, serve } from './http-fixture.ts'

test('a handler that is late is 503 and its signal aborts', async () => {
  let reason: unknown
  const slow = route({
    ...open,
    timeoutMs: 60,
    method: 'GET',
    path: '/',
    responses: any,
    handler: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          reject(new Error('aborted'))
        })
      }),
  })
  const { fetch } = await serve({ routes: [slow] })
  const got = await fetch('/')

  assert.is(got.status, 503)
  assert.is(got.headers.get('retry-after'), '5')
  assert.is((await json(got))['code'], 'handler_timeout')
  assert.is((reason as { code?: string }).code, 'handler_timeout')
})

test('the time of a handler does not run while the client sends its body', async () => {
  const routes = [
    route({
      ...open,
      timeoutMs: 150,
      method: 'POST',
      path: '/',
      body: { schema: z.unknown(), maxBytes: 100 },
      responses: any,
      handler: (_, { body }) => body,
    }),
  ]
  const { url } = await serve({ routes })
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode('{"a":'))
      await sleep(300)
      controller.enqueue(new TextEncoder().encode('1}'))
      controller.close()
    },
  })
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }

  const got = await fetch(url, { ...init, duplex: 'half' } as RequestInit)

  assert.is(got.status, 200)
})

test('a client that leaves aborts the work, and is 499 in the log and in the event', async () => {
  const aborted: boolean[] = []
  let hasBegun = false
  const slow = route({
    ...open,
    method: 'GET',
    path: '/slow',
    responses: any,
    handler: async (_, { signal }) => {
      hasBegun = true
      await sleep(5_000, undefined, { signal }).catch(() => aborted.push(signal.aborted))
    },
  })
  const { fetch, lines, events } = await serve({ routes: [slow] })
  const leaving = new AbortController()

  const pending = fetch('/slow', { signal: leaving.signal }).catch(() => undefined)
  await until(() => hasBegun)
  leaving.abort()
  await pending
  await until(() => aborted.length > 0 && lines.length > 0)

  assert.equal(aborted, [true])
  assert.is(lines.at(-1)?.['status'], 499)
  const finished = events.find(({ name }) => name === 'http:request-finished')?.payload
  assert.is(finished?.['status'], 499)
  assert.is(finished?.['outcome'], 'aborted')
})

test('a plugin that did not start answers 503 with Retry-After', async () => {
  const plugins = [{ name: 'billing', routes: [getting(() => 1)], services: undefined }]
  const { fetch } = await serve({ plugins })
  const got = await fetch('/')

  assert.is(got.status, 503)
  assert.ok(got.headers.get('retry-after'))
  assert.is((await json(got))['code'], 'plugin_unavailable')
})

test('while the server starts, what is not there yet is 503 instead of 404', async () => {
  const { fetch } = await serve({ routes: [getting(() => 1)], starting: true })
  assert.is((await fetch('/')).status, 200)
  assert.is((await fetch('/nothing')).status, 503)
})

test('a plugin is entered before its first await and left when the reply has closed', async () => {
  const seen: string[] = []
  const routes = [getting(async () => void seen.push('handler'))]
  const plugins = [
    { routes, enter: () => void seen.push('enter'), leave: () => void seen.push('leave') },
  ]
  const { fetch } = await serve({ plugins })
  await fetch('/')
  await until(() => seen.length === 3)

  assert.equal(seen, ['enter', 'handler', 'leave'])
})

test('each request writes one line and two events', async () => {
  const { fetch, lines, events } = await serve({ routes: [getting(() => 1)] })
  const got = await fetch('/?token=secret')
  await fetch('/nothing')
  await until(() => events.length === 4)

  const written = lines.map(({ time: _time, durationMs, ...fields }) => {
    assert.type(durationMs, 'number')
    return fields
  })
  assert.equal(written[0], {
    level: 'info',
    plugin: 'probe',
    requestId: got.headers.get('x-request-id'),
    method: 'GET',
    route: '/',
    status: 200,
    msg: 'request',
  })
  assert.is(written[1]?.['route'], '__unmatched__')
  assert.is(written.length, 2)
  assert.not.match(JSON.stringify(lines), 'secret')
  assert.equal(
    events.map(({ name, payload }) => [name, payload['status']]),
    [
      ['http:request-started', undefined],
      ['http:request-finished', 200],
      ['http:request-started', undefined],
      ['http:request-finished', 404],
    ],
  )
})

test('a line that a plugin writes inside a request carries its id, after awaits too', async () => {
  const routes = [
    route({
      ...open,
      method: 'GET',
      path: '/',
      responses: any,
      handler: async (_, { log }) => {
        await sleep(5)
        log.info('inside')
        return logContext()?.plugin
      },
    }),
  ]
  const { fetch, lines } = await serve({ routes })
  const got = await fetch('/')

  const inside = lines.find(({ msg }) => msg === 'inside')
  assert.is(inside?.['requestId'], got.headers.get('x-request-id'))
  assert.is(inside?.['plugin'], 'probe')
  assert.is(await got.text(), 'probe')
})

test('more requests than the limit are shed with 503, except on exempt routes', async () => {
  const waiting: (() => void)[] = []
  const slow = getting(() => new Promise<void>((resolve) => waiting.push(resolve)))
  const exempt = route({
    ...open,
    exempt: true,
    method: 'GET',
    path: '/healthz',
    responses: any,
    handler: () => 1,
  })
  const server = await serve({ routes: [slow, exempt], limits: { inFlight: 4 } })
  const accepted = [1, 2, 3, 4].map(() => server.fetch('/'))
  await until(() => waiting.length === 4)

  const shed = await server.fetch('/')
  const healthy = await server.fetch('/healthz')
  for (const finish of waiting) finish()

  assert.is(shed.status, 503)
  assert.is(shed.headers.get('retry-after'), '1')
  assert.is((await json(shed))['code'], 'overloaded')
  assert.is(healthy.status, 200)
  assert.equal(
    (await Promise.all(accepted)).map(({ status }) => status),
    [204, 204, 204, 204],
  )
  const { payload } = server.events.find(({ name }) => name === 'http:request-shed') ?? {}
  assert.equal(payload, { reason: 'in_flight' })
})

/** With so many requests under way, what a further one gets while the event loop is busy. */
async function further(limits: object, underWay: number) {
  const waiting: (() => void)[] = []
  const slow = getting(() => new Promise<void>((resolve) => waiting.push(resolve)))
  const quick = route({ ...open, method: 'GET', path: '/quick', responses: any, handler: () => 1 })
  const server = await serve({ routes: [slow, quick], limits })
  const accepted = Array.from({ length: underWay }, () => server.fetch('/'))
  await until(() => waiting.length === underWay)
  const { status } = await whileBusy(() => server.fetch('/quick'))
  for (const finish of waiting) finish()
  await Promise.all(accepted)
  const shed = server.events.find(({ name }) => name === 'http:request-shed')
  return { status, reason: shed?.payload['reason'] }
}

/** Turns of the event loop that take 60 ms each, some before it asks and all until it is answered. */
async function whileBusy<T>(ask: () => Promise<T>): Promise<T> {
  const turn = async () => {
    const end = performance.now() + 60
    while (performance.now() < end);
    await sleep(1)
  }
  for (let turns = 0; turns < 5; turns += 1) await turn()
  let isAnswered = false
  const answer = ask().finally(() => (isAnswered = true))
  while (!isAnswered) await turn()
  return answer
}

test('an event loop that lags sheds what comes on top of many, and nothing on top of few', async () => {
  const limits = { eventLoopLag: '10ms' }

  assert.equal(await further(limits, 17), { status: 503, reason: 'event_loop' })
  assert.equal(await further(limits, 2), { status: 200, reason: undefined })
})

test('a draining server closes its connections with its replies', async () => {
  const { raw } = await serve({ routes: [getting(() => 1)], isDraining: () => true })
  const got = await raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n')

  assert.is(got.headers['connection'], 'close')
  assert.ok(got.isClosed)
})

test('a new generation takes over between two requests of one connection', async () => {
  const server = await serve({ routes: [getting(() => 'old')] })
  const next = await serve({ routes: [getting(() => 'new')] })

  const before = await (await server.fetch('/')).text()
  server.listener.use(next.app)
  const after = await (await server.fetch('/')).text()

  assert.equal([before, after], ['old', 'new'])
})

test.run()
