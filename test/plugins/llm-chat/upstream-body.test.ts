/** The bytes of an upstream's reply, from a real socket. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import {
  upstreamAgent,
  upstreamFetch,
  UpstreamResponse,
} from '../../../plugins/llm-chat/upstream-fetch.ts'
import { until } from '../../harness/until.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const MiB = 1024 * 1024
const total = 96 * MiB
let piece = Buffer.alloc(0)
let sent = 0
let closed = 0

/** As fast as its reader takes it. */
function pour(response: ServerResponse): void {
  while (sent < total) {
    sent += piece.length
    if (!response.write(piece)) return void response.once('drain', () => pour(response))
  }
  response.end()
}

const server = createServer((_request, response) => {
  response.on('close', () => (closed += 1))
  pour(response)
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const agent = await upstreamAgent(1_000)

async function asked(pieceBytes = MiB / 4): Promise<UpstreamResponse['source']> {
  sent = 0
  piece = Buffer.alloc(pieceBytes, 'a')
  const port = (server.address() as AddressInfo).port
  const response = await upstreamFetch(agent)(`http://127.0.0.1:${port}/`)
  assert.instance(response, UpstreamResponse)
  return (response as UpstreamResponse).source
}

/** Until the sockets' buffers are full and nothing moves any more. */
async function untilItStands(): Promise<number> {
  for (let before = -1; before !== sent; await sleep(200)) before = sent
  return sent
}

test('an upstream pauses while nobody reads, and goes on to its last byte when somebody does', async () => {
  const source = await asked()
  const unread = await untilItStands()

  assert.ok(unread < total / 2, `${unread / MiB} MiB were taken in for nobody`)

  let read = 0
  for await (const bytes of source) read += bytes.length

  assert.is(read, total)
})

/** Buffers are freed beside the collection. */
async function externalBytes(): Promise<number> {
  for (let count = 0; count < 3; count += 1) {
    collect()
    await sleep(20)
  }
  return process.memoryUsage().external
}

test('what a slow reader has not taken yet stays with the upstream, but for one read of the socket', async () => {
  const source = await asked(4_096)
  await source.next()
  const before = await externalBytes()

  for (let batches = 0; batches < 150; batches += 1) {
    // Time enough for the socket to bring more than was asked for.
    await sleep(2)
    await source.next()
  }
  const grown = (await externalBytes()) - before
  source.stop()

  assert.ok(grown < MiB, `${grown / 1_024} KiB more wait for it`)
})

test('who stops reading closes the upstream’s socket', async () => {
  const before = closed
  for await (const bytes of await asked()) {
    assert.ok(bytes.length > 0)
    break
  }
  await until(() => closed > before)

  assert.is(closed, before + 1)
})

/** Answers every request with a head, and hands its socket over. */
const raw = createTcpServer()
await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))

async function askedRaw() {
  const opened = once(raw, 'connection') as Promise<[Socket]>
  const port = (raw.address() as AddressInfo).port
  const response = upstreamFetch(agent)(`http://127.0.0.1:${port}/`)
  const [socket] = await opened
  socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
  const { source } = (await response) as UpstreamResponse
  return { socket, source }
}

test('what one read of the socket brings is one batch, and the end comes after it', async () => {
  const { socket, source } = await askedRaw()
  const first = source.next()
  socket.end('1\r\na\r\n2\r\nbc\r\n0\r\n\r\n')

  assert.is(String((await first).value), 'abc')
  assert.is((await source.next()).done, true)
})

test('a connection works for each request in its own context, and keeps nothing of it', async () => {
  const storage = new AsyncLocalStorage<{ readonly name: string }>()
  const paced = createServer((_request, response) => {
    let words = 0
    const timer = setInterval(() => {
      if (words++ < 3) return void response.write('word')
      clearInterval(timer)
      response.end()
    }, 20)
  })
  let connections = 0
  paced.on('connection', () => (connections += 1))
  await once(paced.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(paced.address() as AddressInfo).port}/`
  const own = await upstreamAgent(1_000)

  /** Whose context its batches and its end came in. */
  async function contextsOf(): Promise<unknown[]> {
    const { source } = (await upstreamFetch(own)(url)) as UpstreamResponse
    const names: unknown[] = []
    for (let isOver = false; !isOver;) {
      isOver = await new Promise((resolve) =>
        source.pull((_failure, batch) => {
          names.push(storage.getStore()?.name)
          resolve(batch === undefined)
        }),
      )
    }
    return names
  }
  const stores: WeakRef<object>[] = []
  const asks = async (name: string) => {
    const store = { name }
    stores.push(new WeakRef(store))
    return storage.run(store, contextsOf)
  }

  const first = await asks('first')
  // The end is told before the connection is free again.
  await sleep(100)
  const second = await asks('second')
  await externalBytes()
  const left = stores.map((store) => store.deref())
  await own.destroy()
  paced.close()

  assert.equal([...first, ...second], [...Array(4).fill('first'), ...Array(4).fill('second')])
  assert.is(connections, 1)
  assert.equal(left, [undefined, undefined])
})

test('what came before a break is not lost by it', async () => {
  const { socket, source } = await askedRaw()
  const broken = once(socket, 'close')
  socket.end('1\r\na\r\n').resume()
  await broken

  assert.is(String((await source.next()).value), 'a')
  assert.instance(await source.next().catch((error: unknown) => error), Error)
})

/** Counts its open connections; would keep them for ten minutes, and says so. */
async function generous(answer: (response: ServerResponse) => void) {
  const counted = createServer((_request, response) => {
    response.setHeader('keep-alive', 'timeout=600')
    answer(response)
  })
  counted.keepAliveTimeout = 600_000
  let open = 0
  counted.on('connection', (socket) => {
    open += 1
    socket.on('close', () => (open -= 1))
  })
  await once(counted.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(counted.address() as AddressInfo).port}/`
  const own = await upstreamAgent(1_000, 1_000)
  const stop = async () => {
    await own.destroy()
    counted.close()
  }
  const ask = async () => ((await upstreamFetch(own)(url)) as UpstreamResponse).source
  return { ask, stop, open: () => open }
}

test('a connection that nobody uses is closed in time, also where the upstream would keep it for long', async () => {
  const { ask, open, stop } = await generous((response) => response.end('word'))
  for await (const _ of await ask()) void _
  const before = open()
  await until(() => open() === 0)
  await stop()

  assert.is(before, 1)
})

test('a reply that is broken off leaves no connection behind, beside others that go on', async () => {
  const { ask, open, stop } = await generous((response) => void response.write('word'))
  const sources = [await ask(), await ask(), await ask()]
  for (const source of sources) await source.next()
  const before = open()
  sources[1]?.stop()
  sources[2]?.stop()
  await until(() => open() === 1)
  // What undici opens anew, it opens at once.
  await sleep(100)
  await until(() => open() === 1)
  await stop()

  assert.is(before, 3)
})

test('everything ends', async () => {
  await agent.destroy()
  raw.close()
  server.closeAllConnections()
  server.close()
})

test.run()
