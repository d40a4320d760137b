/** Limits of the sockets, changed by a reload while the listener goes on. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { definePlugin } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { isDeno } from '../harness/root.ts'
import { about, get, hostOf, planOf } from './host-fixture.ts'
import { dialled, rawRequest } from './http-fixture.ts'

async function* silence() {
  yield 'a'
  await sleep(60_000, undefined, { ref: false })
}

const probe = definePlugin({
  name: 'probe',
  ...about,
  routes: ({ route }) => [
    route({ ...get, path: '/', handler: () => ({ ok: true }) }),
    route({
      ...get,
      path: '/stream',
      responses: { 200: { contentType: 'text/plain' } },
      stream: { idleMs: 60_000, totalMs: 60_000 },
      handler: () => silence(),
    }),
  ],
})

const asking = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

/** A host whose limits a reload changes; its address stays. */
async function reconfigurable(before: object, after: object) {
  const plan = (limits: object) => planOf([{ plugin: probe }], { drain: '100ms', limits })
  const { host, plans } = hostOf(plan({ checkInterval: '50ms', ...before }))
  await host.boot()
  plans.next = plan({ checkInterval: '50ms', ...after })
  const { public: url } = host.addresses
  const reload = async () => {
    await host.reload()
    assert.is(host.addresses.public, url)
  }
  return { port: Number(new URL(url).port), reload }
}

const closes = (socket: Socket, withinMs = 20_000) =>
  Promise.race([
    once(socket, 'close').then(() => true),
    sleep(withinMs, false, { ref: false }).then((late) => late),
  ])

test('a shorter time for headers holds for connections that are open already', async () => {
  const { port, reload } = await reconfigurable({}, { headersTimeout: '200ms' })
  const slow = await dialled(port, 'GET / HTTP/1.1\r\nHost: a\r\n')
  await reload()

  assert.ok(await closes(slow))
})

test('a shorter time for a whole request holds for connections that are open already', async () => {
  const shorter = { headersTimeout: '200ms', requestTimeout: '200ms' }
  const { port, reload } = await reconfigurable({}, shorter)
  const half = 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf'
  const before = await dialled(port, half)
  const isBeforeClosed = closes(before)
  await reload()
  const after = await dialled(port, half)

  assert.ok(await closes(after))
  // Deno does not look at a request whose headers it has; the edge does, by the limits that it began with.
  if (!isDeno) assert.ok(await isBeforeClosed)
})

test('fewer connections: what is open stays, a new one is dropped', async () => {
  const { port, reload } = await reconfigurable({}, { connections: 1 })
  const first = await dialled(port)
  await reload()
  const second = await dialled(port)

  assert.ok(await closes(second))
  assert.not.ok(first.closed)
})

test('a shorter keep-alive ends a connection that is idle', async () => {
  const { port, reload } = await reconfigurable({}, { keepAlive: '100ms' })
  const idle = await dialled(port, asking)
  await reload()
  idle.write(asking)

  assert.ok(await closes(idle))
})

test('a shorter silence cuts a connection that came after the reload', async () => {
  const { port, reload } = await reconfigurable({}, { socketIdle: '200ms' })
  await reload()
  const silent = await dialled(port)

  assert.ok(await closes(silent))
})

test('longer headers are let through after the reload', async () => {
  const { port, reload } = await reconfigurable({}, { headerBytes: '64KiB' })
  const long = `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(30_000)}\r\n\r\n`
  const refused = await rawRequest(port, long)
  await reload()
  const accepted = await rawRequest(port, long)

  assert.equal([refused.status, accepted.status], [431, 200])
})

test('fewer streams: those that are open go on, a further one is shed', async () => {
  const { port, reload } = await reconfigurable({ streams: 2 }, { streams: 1 })
  const url = `http://127.0.0.1:${port}/stream`
  const leaving = new AbortController()
  const { signal } = leaving
  const first = await fetch(url, { signal })
  await reload()
  const second = await fetch(url, { signal })
  leaving.abort()

  assert.equal([first.status, second.status], [200, 503])
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
  await dialled(port)
  const answer = await rawRequest(port, asking)

  assert.is(answer.status, 200)
})

test.run()
