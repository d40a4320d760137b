import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { atEnd } from './ending.ts'
import { FaultProxy } from './tcp-fault.ts'

const echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket))
echo.listen(0, '127.0.0.1')
await once(echo, 'listening')
echo.unref()
atEnd(() => new Promise((resolve) => echo.close(resolve)))
const address = echo.address()
const proxy = await FaultProxy.before(
  typeof address === 'object' && address !== null ? address.port : 0,
)
test.after.each(() => proxy.heal())

async function dial(): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1' })
  await once(socket, 'connect')
  return socket
}

const closed = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.on('error', () => {}).once('close', () => resolve('closed'))
  })

/** What comes back for a word, or how the connection ends, or `nothing` within the time. */
async function say(socket: Socket, word: string, withinMs = 20_000): Promise<string> {
  const end = new AbortController()
  const { signal } = end
  socket.write(word)
  const answer = await Promise.race([
    once(socket, 'data', { signal }).then(
      ([data]) => String(data),
      (error: Error) => error.name,
    ),
    once(socket, 'close', { signal }).then(
      () => 'closed',
      () => 'closed',
    ),
    sleep(withinMs, 'nothing', { signal }).catch(() => 'nothing'),
  ])
  end.abort()
  return answer
}

test('without a fault it carries both ways', async () => {
  const socket = await dial()

  assert.is(await say(socket, 'hello'), 'hello')
  socket.destroy()
})

test('a stalled connection stays open and goes on where it stopped', async () => {
  const socket = await dial()
  proxy.set({ mode: 'stall' })
  const first = await say(socket, 'late', 100)
  const received = once(socket, 'data')
  proxy.heal()

  assert.is(first, 'nothing')
  assert.is(String((await received)[0]), 'late')
  socket.destroy()
})

test('a black hole accepts and answers nothing', async () => {
  proxy.set({ mode: 'blackHole' })
  const socket = await dial()

  assert.is(await say(socket, 'anybody?', 100), 'nothing')
  socket.destroy()
})

test('latency is paid in each direction', async () => {
  proxy.set({ latencyMs: 40 })
  const socket = await dial()
  const began = performance.now()

  assert.is(await say(socket, 'slow'), 'slow')
  assert.ok(performance.now() - began >= 75)
  socket.destroy()
})

test('refusing ends open connections and new ones', async () => {
  const open = await dial()
  const openEnded = closed(open)
  proxy.set({ mode: 'refuse' })
  const fresh = connect({ port: proxy.port, host: '127.0.0.1' })

  assert.equal(await Promise.all([openEnded, closed(fresh)]), ['closed', 'closed'])
})

test('a connection is reset after the given bytes', async () => {
  proxy.set({ resetAfterBytes: 4 })
  const socket = await dial()
  socket.on('error', () => {})

  assert.is(await say(socket, 'four'), 'four')
  assert.is.not(await say(socket, 'more'), 'more')
})

test('a flapping network is healed at the end', async () => {
  await proxy.flap(2, 20)
  const socket = await dial()

  assert.is(await say(socket, 'again'), 'again')
  socket.destroy()
})

test.run()
