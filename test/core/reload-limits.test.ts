/** Limits of the sockets, changed by a reload while the listener goes on. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { definePlugin } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { isDeno } from '../harness/root.ts'
import { hostOf, planOf } from './host-fixture.ts'
import { rawRequest } from './http-fixture.ts'

const open = { auth: 'public', limit: 'none', timeoutMs: 30_000 } as const

async function* silence() {
  yield 'a'
  await sleep(60_000, undefined, { ref: false })
}

const probe = definePlugin({
  name: 'probe',
  version: '1.0.0',
  core: '^1',
  summary: 'A plugin of a test',
  config: z.strictObject({}),
  routes: ({ route }) => [
    route({
      ...open,
      method: 'GET',
      path: '/',
      summary: 'Answers',
      responses: { 200: z.unknown() },
      handler: () => ({ ok: true }),
    }),
    route({
      ...open,
      method: 'GET',
      path: '/stream',
      summary: 'Says one thing',
      responses: { 200: { contentType: 'text/plain' } },
      stream: { idleMs: 60_000, totalMs: 60_000 },
      handler: () => silence(),
    }),
  ],
  examples: { config: { valid: [{}], invalid: [] } },
})

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A host whose limits are changed under way, and the port that it keeps. */
async function reconfigured(
  before: object,
  after: object,
  use: (port: number, reload: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const plan = (limits: object) => planOf([{ plugin: probe }], { drain: '100ms', limits })
  const { host, plans } = hostOf(plan({ checkInterval: '50ms', ...before }))
  await host.boot()
  plans.next = plan({ checkInterval: '50ms', ...after })
  const { public: url } = host.addresses
  try {
    await use(Number(new URL(url).port), () => host.reload())
    assert.is(host.addresses.public, url)
  } finally {
    await host.close(100)
  }
}

async function opened(port: number, text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).resume()
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return socket
}

const closes = (socket: Socket, withinMs = 8_000) =>
  Promise.race([
    once(socket, 'close').then(() => true),
    sleep(withinMs, false, { ref: false }).then((late) => late),
  ])

test('a shorter time for headers holds for connections that are open already', async () => {
  await reconfigured({}, { headersTimeout: '200ms' }, async (port, reload) => {
    const slow = await opened(port, 'GET / HTTP/1.1\r\nHost: a\r\n')
    await reload()

    assert.ok(await closes(slow))
  })
})

test('a shorter time for a whole request holds for connections that are open already', async () => {
  const shorter = { headersTimeout: '200ms', requestTimeout: '200ms' }
  await reconfigured({}, shorter, async (port, reload) => {
    const half = 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf'
    const before = await opened(port, half)
    const isBeforeClosed = closes(before)
    await reload()
    const after = await opened(port, half)

    assert.ok(await closes(after))
    // Deno does not look at a request whose headers it has; the edge does, by the limits that it began with.
    if (!isDeno) assert.ok(await isBeforeClosed)
    before.destroy()
  })
})

test('fewer connections: what is open stays, a new one is dropped', async () => {
  await reconfigured({}, { connections: 1 }, async (port, reload) => {
    const first = await opened(port)
    await reload()
    const second = await opened(port)

    assert.ok(await closes(second))
    assert.not.ok(first.closed)
    first.destroy()
  })
})

test('a shorter keep-alive ends a connection that is idle', async () => {
  await reconfigured({}, { keepAlive: '100ms' }, async (port, reload) => {
    const idle = await opened(port, get)
    await reload()
    idle.write(get)

    assert.ok(await closes(idle))
  })
})

test('a shorter silence cuts a connection that came after the reload', async () => {
  await reconfigured({}, { socketIdle: '200ms' }, async (port, reload) => {
    await reload()
    const silent = await opened(port)

    assert.ok(await closes(silent))
  })
})

test('longer headers are let through after the reload', async () => {
  await reconfigured({}, { headerBytes: '64KiB' }, async (port, reload) => {
    const long = `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(30_000)}\r\n\r\n`
    const refused = await rawRequest(port, long)
    await reload()
    const accepted = await rawRequest(port, long)

    assert.equal([refused.status, accepted.status], [431, 200])
  })
})

test('fewer streams: those that are open go on, a further one is shed', async () => {
  await reconfigured({ streams: 2 }, { streams: 1 }, async (port, reload) => {
    const url = `http://127.0.0.1:${port}/stream`
    const leaving = new AbortController()
    const { signal } = leaving
    const first = await fetch(url, { signal })
    await reload()
    const second = await fetch(url, { signal })
    leaving.abort()

    assert.equal([first.status, second.status], [200, 503])
  })
})

test('a reload that is rejected leaves the limits as they were', async () => {
  const plan = (limits: object, part: object = {}) =>
    planOf([{ plugin: { ...probe, ...part } }], { drain: '100ms', limits })
  const { host, plans } = hostOf(plan({ streams: 2 }))
  await host.boot()
  const port = Number(new URL(host.addresses.public).port)
  const broken = { version: '2.0.0', start: () => Promise.reject(new Error('no disk')) }
  plans.next = plan({ connections: 1 }, broken)

  await host.reload().catch(() => undefined)
  const first = await opened(port)
  const answer = await rawRequest(port, get)

  assert.is(answer.status, 200)
  first.destroy()
  await host.close(100)
})

test.run()
