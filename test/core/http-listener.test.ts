import { once } from 'node:events'
import { connect } from 'node:net'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { limitsSchema } from '../../core/http/limits.ts'
import { Listener } from '../../core/http/listener.ts'
import { closedAfterwards } from '../harness/closing.ts'
import { isDeno } from '../harness/root.ts'
import { until } from '../harness/until.ts'
import { gate } from './host-probes.ts'
import { any, dialled, getting, open, rawRequest, route, serve } from './http-fixture.ts'

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quiet,
}

/** Without an application. */
const bare = () =>
  closedAfterwards(new Listener(limitsSchema.parse({}), quiet), (listener) =>
    listener.stopAccepting(),
  )

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
  const [first, second] = [bare(), bare()]
  const { port } = await first.listen({ host: '127.0.0.1', port: 0 })

  const error = await second.listen({ host: '127.0.0.1', port }).catch((reason: unknown) => reason)

  assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE')
})

test('before there is an application it answers 503 starting', async () => {
  const listener = bare()
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })

  const got = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')

  assert.is(got.status, 503)
  assert.is(JSON.parse(got.body).code, 'starting')
})

test('stopAccepting refuses new connections, and requests in flight are answered', async () => {
  const ending = gate()
  const server = await serve({ routes: [getting(() => ending.opened)] })
  const pending = server.fetch('/')
  await until(() => server.listener.inFlight > 0)

  const closed = server.listener.stopAccepting()
  const isRefused = await refused(server.port)
  ending.open()
  const { status } = await pending
  server.listener.closeIdle()
  await closed

  assert.ok(isRefused)
  assert.is(status, 204)
})

test('closeIdle ends connections without a request, and no other', async () => {
  const ending = gate()
  const server = await serve({ routes: [getting(() => ending.opened)] })
  const idle = await dialled(server.port, 'GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n')
  await once(idle, 'data')
  const pending = server.fetch('/')
  await until(() => server.listener.inFlight > 0)

  const ended = once(idle, 'close')
  server.listener.closeIdle()
  await ended
  ending.open()
  const { status } = await pending

  assert.is(status, 204)
})

test('closeAll ends everything', async () => {
  const server = await serve({ routes: [getting(() => new Promise(() => undefined))] })
  const pending = server.fetch('/').then(
    () => 'answered',
    () => 'cut',
  )
  await until(() => server.listener.inFlight > 0)

  await server.stop()

  assert.is(await pending, 'cut')
})

test('requests in flight are counted until their replies have closed', async () => {
  const ending = gate()
  const server = await serve({ routes: [getting(() => ending.opened)] })
  const pending = server.fetch('/')
  await until(() => server.listener.inFlight > 0)

  const during = server.listener.inFlight
  ending.open()
  await pending
  await until(() => server.listener.inFlight === 0)

  assert.is(during, 1)
})

test('requests that come in one packet are answered in their order', async () => {
  const server = await serve({ routes: [getting(() => 'first')] })
  const socket = await dialled(server.port)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))

  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n')
  await until(() => text.includes('not_found'))

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
  const socket = await dialled(server.port)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))

  socket.end('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi')
  await once(socket, 'close')

  assert.match(text, isDeno ? /^$/ : /^HTTP\/1\.1 200 /)
})

test.run()
