/** Clients that are slow on purpose hold nothing for long, and nobody else waits for them. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { Stopwatch, timed } from '../harness/stopwatch.ts'
import { until } from '../harness/until.ts'
import { any, getting, open, route, serve } from '../core/http-fixture.ts'
import type { Served } from '../core/http-fixture.ts'

/** A soak runs with the real deadlines: 10 s for headers, 30 s for the whole request. */
const isSoak = Number(process.env['TEST_SCALE'] ?? 1) >= 20
const quick = {
  headersTimeout: '1000ms',
  requestTimeout: '2s',
  checkInterval: '100ms',
  socketIdle: '1500ms',
}
const budgetMs = isSoak ? { headers: 15_000, body: 35_000 } : { headers: 2_500, body: 4_500 }
const clients = 300

interface Slow {
  readonly socket: Socket
  text: string
  isClosed: boolean
}

/** Opens, sends the beginning, and then a piece again and again. */
function crawl(port: number, beginning: string, piece: string): Slow {
  const socket = connect(port, '127.0.0.1')
  const slow: Slow = { socket, text: '', isClosed: false }
  const timer = setInterval(() => socket.writable && socket.write(piece), 200)
  socket.on('data', (chunk) => (slow.text += chunk.toString('latin1')))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    clearInterval(timer)
    slow.isClosed = true
  })
  socket.write(beginning)
  return slow
}

const routes = [
  getting(() => ({ ok: true })),
  route({
    ...open,
    method: 'POST',
    path: '/json',
    body: { schema: z.unknown(), maxBytes: 100_000 },
    responses: any,
    handler: () => 1,
  }),
  route({
    ...open,
    method: 'GET',
    path: '/large',
    responses: any,
    handler: () => Buffer.alloc(40_000_000),
  }),
]

async function withServer(use: (server: Served) => Promise<void>): Promise<void> {
  const server = await serve({ routes, limits: isSoak ? {} : quick })
  try {
    await use(server)
  } finally {
    await server.stop()
  }
}

/** How long it took until all were gone. */
async function gone(slow: readonly Slow[], withinMs: number): Promise<number> {
  const watch = new Stopwatch()
  while (slow.some(({ isClosed }) => !isClosed) && watch.ms < withinMs) await sleep(20)
  const tookMs = watch.ms
  watch.stop()
  for (const { socket } of slow) socket.destroy()
  return tookMs
}

async function assertAnswers({ fetch }: Served): Promise<void> {
  const { value, ms } = await timed(() => fetch('/'))
  assert.is(value.status, 200)
  assert.ok(ms < 1_000, `${ms} ms`)
}

function assertTimeoutProblem({ text }: Slow): void {
  assert.match(text, /^HTTP\/1\.1 408 /)
  assert.match(text, '"code":"request_timeout"')
  assert.match(text, /content-type: application\/problem\+json/i)
}

test(`${clients} clients with slow headers are gone in time, with a 408 each`, async () => {
  await withServer(async (server) => {
    const beginning = 'GET / HTTP/1.1\r\nHost: a\r\n'
    const slow = Array.from({ length: clients }, () => crawl(server.port, beginning, 'X-A: 1\r\n'))
    await assertAnswers(server)

    const tookMs = await gone(slow, budgetMs.headers)

    assert.equal(slow.filter(({ isClosed }) => !isClosed).length, 0)
    assert.ok(tookMs < budgetMs.headers, `${tookMs} ms`)
    for (const one of slow) assertTimeoutProblem(one)
  })
})

test(`${clients} clients with slow bodies are gone in time, with a 408 each`, async () => {
  await withServer(async (server) => {
    const beginning =
      'POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n'
    const slow = Array.from({ length: clients }, () => crawl(server.port, beginning, ' '))
    await assertAnswers(server)

    const tookMs = await gone(slow, budgetMs.body)

    assert.equal(slow.filter(({ isClosed }) => !isClosed).length, 0)
    assert.ok(tookMs < budgetMs.body, `${tookMs} ms`)
    for (const one of slow) assertTimeoutProblem(one)
    assert.is(server.lines.filter(({ status }) => status === 408).length, clients)
  })
})

test('clients with slow bodies that nobody reads are gone in time, though they have their reply', async () => {
  await withServer(async (server) => {
    const beginning = 'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n'
    const slow = Array.from({ length: 50 }, () => crawl(server.port, beginning, ' '))

    await gone(slow, budgetMs.body)

    assert.equal(slow.filter(({ isClosed }) => !isClosed).length, 0)
    for (const { text } of slow) assert.match(text, /^HTTP\/1\.1 200 /)
  })
})

test('clients that say nothing at all are gone in time', async () => {
  await withServer(async (server) => {
    const slow = Array.from({ length: 50 }, () => crawl(server.port, '', ''))

    await gone(slow, budgetMs.body)

    assert.equal(slow.filter(({ isClosed }) => !isClosed).length, 0)
  })
})

test('clients that do not read are cut, and what they held is let go', async () => {
  await withServer(async (server) => {
    const readers = Array.from({ length: 5 }, () => {
      const one = crawl(server.port, 'GET /large HTTP/1.1\r\nHost: a\r\n\r\n', '')
      one.socket.pause()
      return one
    })
    await until(() => server.listener.inFlight === 5)
    await until(() => server.listener.inFlight === 0, isSoak ? 130_000 : undefined)

    for (const { socket } of readers) socket.destroy()
  })
})

test.run()
