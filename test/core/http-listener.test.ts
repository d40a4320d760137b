import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { limitsSchema } from '../../core/http/limits.ts'
import { Listener } from '../../core/http/listener.ts'
import { isDeno } from '../harness/root.ts'
import { any, getting, open, rawRequest, route, serve } from './http-fixture.ts'

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
}

async function refused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

test('an address that is taken rejects, and says which', async () => {
  const first = new Listener(limitsSchema.parse({}), quiet)
  const second = new Listener(limitsSchema.parse({}), quiet)
  const { port } = await first.listen({ host: '127.0.0.1', port: 0 })

  const error = await second.listen({ host: '127.0.0.1', port }).catch((reason: unknown) => reason)
  await first.stopAccepting()

  assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE')
})

test('before there is an application it answers 503 starting', async () => {
  const listener = new Listener(limitsSchema.parse({}), quiet)
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })

  const got = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await listener.stopAccepting()

  assert.is(got.status, 503)
  assert.is(JSON.parse(got.body).code, 'starting')
})

test('stopAccepting refuses new connections, and requests in flight are answered', async () => {
  let finish: (() => void) | undefined
  const slow = getting(() => new Promise<void>((resolve) => (finish = resolve)))
  const server = await serve({ routes: [slow] })
  const pending = server.fetch('/')
  while (finish === undefined) await sleep(5)

  const closed = server.listener.stopAccepting()
  const isRefused = await refused(server.port)
  finish()
  const { status } = await pending
  server.listener.closeIdle()
  await closed

  assert.ok(isRefused)
  assert.is(status, 204)
})

test('closeIdle ends connections without a request, and no other', async () => {
  let finish: (() => void) | undefined
  const slow = getting(() => new Promise<void>((resolve) => (finish = resolve)))
  const server = await serve({ routes: [slow] })
  const idle = connect(server.port, '127.0.0.1')
  await once(idle, 'connect')
  idle.write('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(idle, 'data')
  const pending = server.fetch('/')
  while (finish === undefined) await sleep(5)

  const ended = once(idle, 'close')
  idle.resume()
  server.listener.closeIdle()
  await ended
  finish()
  const { status } = await pending
  await server.stop()

  assert.is(status, 204)
})

test('closeAll ends everything', async () => {
  const server = await serve({ routes: [getting(() => new Promise(() => undefined))] })
  const pending = server.fetch('/').then(
    () => 'answered',
    () => 'cut',
  )
  while (server.listener.inFlight === 0) await sleep(5)

  await server.stop()

  assert.is(await pending, 'cut')
})

test('requests in flight are counted until their replies have closed', async () => {
  let finish: (() => void) | undefined
  const slow = getting(() => new Promise<void>((resolve) => (finish = resolve)))
  const server = await serve({ routes: [slow] })
  const pending = server.fetch('/')
  while (finish === undefined) await sleep(5)

  const during = server.listener.inFlight
  finish()
  await pending
  while (server.listener.inFlight > 0) await sleep(5)
  await server.stop()

  assert.is(during, 1)
})

test('requests that come in one packet are answered in their order', async () => {
  const server = await serve({ routes: [getting(() => 'first')] })
  const socket = connect(server.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))

  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n')
  while (!text.includes('not_found')) await sleep(5)
  socket.destroy()
  await server.stop()

  assert.match(text, /HTTP\/1\.1 200[^]*first[^]*HTTP\/1\.1 404/)
})

test('a client that ends its side with its body has its reply on Node, and none on Deno', async () => {
  const echo = route({
    ...open,
    method: 'POST',
    path: '/',
    body: { raw: true, maxBytes: 10 },
    responses: any,
    handler: (_, { body }) => body.byteLength,
  })
  const server = await serve({ routes: [echo] })
  const socket = connect(server.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))

  socket.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')
  await once(socket, 'close')
  await server.stop()

  assert.match(text, isDeno ? /^$/ : /^HTTP\/1\.1 200 /)
})

test.run()
