import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { formats, requestOf } from '../plugins/llm-chat/fault-matrix.ts'
import { FaultUpstream, wish } from '../plugins/llm-chat/upstream.ts'
import { delaysOf, startWatched } from './chat-bodies-server.ts'
import type { Delays, Pulse } from './chat-bodies-server.ts'

/** By the work of the server itself, whatever else runs on its cores. */
const boundMs = 50
const maxBytes = 262_144
const atOnce = 40
/** How long the bodies keep coming, one after the other or `atOnce` abreast. */
const loadMs = 2_000
const streamMs = 10

const upstream = await new FaultUpstream().start()
const { url, child } = await startWatched({
  baseUrl: upstream.url,
  model: 'm',
  models: { m: { targets: [{ model: 'm' }], maxInputTokens: 1_000_000 } },
  resume: { keep: '1s' },
})
test.after(async () => {
  child.kill('SIGKILL')
  await upstream.stop()
})

interface Sent {
  readonly path: string
  readonly json: string
  readonly accept?: string
  /** Without a length: the server counts itself. */
  readonly isChunked?: boolean
}

const inChunks = (text: string): ReadableStream<Uint8Array> => {
  const bytes = new TextEncoder().encode(text)
  let from = 0
  return new ReadableStream({
    pull(controller) {
      if (from >= bytes.length) return controller.close()
      controller.enqueue(bytes.subarray(from, (from += 32_768)))
    },
  })
}

/** Its status, and what it said. 0: no reply. */
async function send({ path, json, accept = '*/*', isChunked }: Sent) {
  const headers = { authorization: 'Bearer bob', 'content-type': 'application/json', accept }
  const body = isChunked === true ? inChunks(json) : json
  const signal = AbortSignal.timeout(30_000)
  const init = { method: 'POST', headers, body, signal, duplex: 'half' } as const
  try {
    const reply = await fetch(`${url}${path}`, init as RequestInit)
    return { status: reply.status, text: await reply.text() }
  } catch (error) {
    return { status: 0, text: String(error) }
  }
}

interface Reading {
  /** The pauses between the pieces. */
  readonly gaps: number[]
  readonly leave: () => Promise<void>
}

/** A stream that somebody else reads. Left by its reader: an aborted signal ends no busy `fetch` on Deno. */
async function readAlong(): Promise<Reading> {
  const { path, body, accept } = requestOf('text', wish({ tokens: 1_000_000, delayMs: streamMs }))
  const headers = { authorization: 'Bearer alice', 'content-type': 'application/json', accept }
  const reply = await fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  const reader = reply.body?.getReader()
  const gaps: number[] = []
  const read = async () => {
    let last = performance.now()
    while ((await reader?.read())?.done === false) {
      const now = performance.now()
      gaps.push(now - last)
      last = now
    }
  }
  const reading = read()
  const leave = async () => {
    await reader?.cancel()
    await reading
  }
  return { gaps, leave }
}

const pulse = async () => (await (await fetch(`${url}/pulse`)).json()) as Pulse

interface Seen extends Pulse {
  readonly gap: Delays
  readonly sent: number
  readonly statuses: readonly number[]
}

/** Sends bodies while somebody else reads a stream. */
async function load(bodies: readonly Sent[], abreast: number): Promise<Seen> {
  const other = await readAlong()
  await sleep(200)
  await pulse()
  const end = performance.now() + loadMs
  const statuses: number[] = []
  const sendOn = async (first: number) => {
    for (let index = first; performance.now() < end; index += 1) {
      const body = bodies[index % bodies.length]
      if (body !== undefined) statuses.push((await send(body)).status)
    }
  }
  await Promise.all(Array.from({ length: abreast }, (_, index) => sendOn(index)))
  const seen = await pulse()
  await other.leave()
  return {
    ...seen,
    gap: delaysOf(other.gaps),
    sent: statuses.length,
    statuses: [...new Set(statuses)],
  }
}

const round = ({ p50, p99, max }: Delays) => [p50, p99, max].map((ms) => ms.toFixed(1)).join('/')

/** Questions of a few bytes, as many at once: what this machine does to anybody, right now. */
const quiet = [{ path: '/chat/stream', json: JSON.stringify({ query: wish({ tokens: 1 }) }) }]

/** By the clock it is compared with small questions. A neighbour on the same cores may spoil a round, not all three. */
async function isHeld(name: string, bodies: readonly Sent[], abreast: number, status: number) {
  let why = ''
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const base = await load(quiet, abreast)
    const seen = await load(bodies, abreast)
    console.log(
      `${name}, ${abreast} at once: ${seen.sent} bodies; p50/p99/max ms: own ${round(seen.own)}, by the clock ${round(seen.wall)} (small ones ${round(base.wall)}), as Node sees it ${seen.nodeP99.toFixed(1)}; gaps of the other stream ${round(seen.gap)} (${round(base.gap)})`,
    )
    assert.equal(seen.statuses, [status], name)
    const late = [
      seen.own.p99 > boundMs && `own delay ${seen.own.p99}`,
      seen.wall.p99 > boundMs + 3 * base.wall.max && `delay ${seen.wall.p99}`,
      seen.gap.p99 > streamMs + boundMs + 3 * base.gap.max && `gap ${seen.gap.p99}`,
    ].filter((one) => one !== false)
    if (late.length === 0) return
    why = late.join(', ')
  }
  assert.unreachable(`${name}, ${abreast} at once: ${why}`)
}

const query = (length: number) => JSON.stringify({ query: 'a'.repeat(length - 12) })
const chat = (json: string): Sent => ({ path: '/chat/stream', json })
const v1 = (json: string): Sent => ({ path: '/v1/chat/completions', json })
const messages = (count: number, one: object) =>
  JSON.stringify({ messages: Array.from({ length: count }, () => one) })

const letters = 'a'.repeat(81_920)
const asked = formats.map((format): Sent => {
  const { path, body, accept } = requestOf(format, letters)
  return { path, json: JSON.stringify(body), accept }
})
const tooMany = messages(10_000, { role: 'u' })

test('a byte more than is taken is 413, in the envelope of its route, with its length or without', async () => {
  const tooLong = query(maxBytes + 1)
  assert.is(new TextEncoder().encode(tooLong).length, maxBytes + 1)

  for (const isChunked of [false, true]) {
    const own = await send({ ...chat(tooLong), isChunked })
    const openAi = await send({ ...v1(tooLong), isChunked })

    assert.is(own.status, 413, own.text)
    assert.is((JSON.parse(own.text) as { code: string }).code, 'body_too_large')
    assert.is(openAi.status, 413, openAi.text)
    const { error } = JSON.parse(openAi.text) as { error: object }
    assert.match(JSON.stringify(error), '"type":"invalid_request_error","code":"body_too_large"')
  }
  assert.is((await send(chat(query(maxBytes)))).status, 200)
})

test('ten thousand messages are 422, in the envelope of its route, and one fault is told', async () => {
  const own = await send(chat(tooMany))
  const openAi = await send(v1(tooMany))

  assert.is(own.status, 422, own.text)
  const { code, errors } = JSON.parse(own.text) as { code: string; errors: { pointer: string }[] }
  assert.is(code, 'invalid_body')
  assert.ok(
    errors.some(({ pointer }) => pointer === '/messages'),
    own.text,
  )
  assert.ok(own.text.length < 8_192, `${own.text.length} characters of faults`)
  assert.is(openAi.status, 422, openAi.text)
  const { error } = JSON.parse(openAi.text) as { error: { param: string } }
  assert.is(error.param, 'messages')
})

for (const abreast of [1, atOnce]) {
  test(`bodies that are too large delay nobody, ${abreast} at once`, () =>
    isHeld('256 KiB + 1', [chat(query(maxBytes + 1)), v1(query(maxBytes + 1))], abreast, 413))

  test(`ten thousand messages delay nobody, ${abreast} at once`, () =>
    isHeld('10,000 messages', [chat(tooMany), v1(tooMany)], abreast, 422))

  test(`80 KiB of one letter delay nobody in any format, ${abreast} at once`, () =>
    isHeld('80 KiB of a', asked, abreast, 200))

  test(`the largest question that is taken delays nobody, ${abreast} at once`, () =>
    isHeld('256 KiB', [chat(query(maxBytes))], abreast, 200))
}

test('a message of thousands of unknown keys delays nobody, refused or passed on', async () => {
  const keys = Array.from({ length: 10_000 }, (_, index) => [`k${index}`, 1])
  const message = { role: 'user', content: 'a', ...(Object.fromEntries(keys) as object) }
  const json = messages(1, message)

  await isHeld('10,000 keys, refused', [chat(json)], 1, 422)
  await isHeld('10,000 keys, passed on', [v1(json)], 1, 200)
})

test.run()
