import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { formats, requestOf } from '../plugins/llm-chat/fault-matrix.ts'
import { FaultUpstream } from '../plugins/llm-chat/upstream.ts'
import { startWatched } from './chat-bodies-server.ts'
import type { Pulse } from './chat-bodies-server.ts'

/** A delay of the loop that hardly anybody notices, in times of parsing ten thousand small messages: some 75 ms. */
const bound = 150
const maxBytes = 262_144
const atOnce = 40
/** How long the bodies keep coming, `atOnce` abreast. */
const loadMs = 1_000

const upstream = await new FaultUpstream().start()
const { url, child } = await startWatched({
  baseUrl: upstream.url,
  model: 'm',
  models: { m: { targets: [{ model: 'm' }], maxInputTokens: 1_000_000 } },
  resume: { keep: '1s' },
  // A machine that is busy with its neighbours is no fault of the model.
  timeouts: { connect: '2m', firstToken: '5m', idle: '5m' },
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
  const signal = AbortSignal.timeout(180_000)
  const init = { method: 'POST', headers, body, signal, duplex: 'half' } as const
  try {
    const reply = await fetch(`${url}${path}`, init as RequestInit)
    return { status: reply.status, text: await reply.text() }
  } catch (error) {
    return { status: 0, text: String(error) }
  }
}

const pulse = async () => (await (await fetch(`${url}/pulse`)).json()) as Pulse

interface Seen extends Pulse {
  readonly sent: number
  /** The first replies that have another status than they should. */
  readonly odd: readonly string[]
}

async function load(bodies: readonly Sent[], expected: number): Promise<Seen> {
  await pulse()
  const end = performance.now() + loadMs
  const odd: string[] = []
  let sent = 0
  const sendOn = async (first: number) => {
    let index = first
    do {
      const { status, text } = await send(bodies[index++ % bodies.length] as Sent)
      sent += 1
      if (status !== expected) odd.push(`${status} ${text.slice(0, 300)}`)
    } while (performance.now() < end)
  }
  await Promise.all(Array.from({ length: atOnce }, (_, index) => sendOn(index)))
  return { ...(await pulse()), sent, odd: odd.slice(0, 3) }
}

/** A collection of garbage may spoil a round, not all three. */
async function isHeld(name: string, bodies: readonly Sent[], status: number): Promise<void> {
  let seen = await load(bodies, status)
  for (let again = 0; again < 2 && isLate(seen); again += 1) {
    console.log(`${name}: ${JSON.stringify(seen)}, once more`)
    seen = await load(bodies, status)
  }
  console.log(`${name}: ${JSON.stringify(seen)}`)
  assert.equal(seen.odd, [], name)
  assert.not(isLate(seen), `${name}: ${seen.ownP99} ms of work in one turn of the event loop`)
}

const isLate = ({ ownP99, parseMs }: Seen): boolean => ownP99 > bound * parseMs

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
const withKeys = (count: number) => {
  const keys = Array.from({ length: count }, (_, index) => [`k${index}`, 1])
  return messages(1, { role: 'user', content: 'a', ...(Object.fromEntries(keys) as object) })
}

/** Refused with that status and code, in the envelope of each route. */
async function areRefused(json: string, status: number, code: string, isChunked = false) {
  const own = await send({ ...chat(json), isChunked })
  const openAi = await send({ ...v1(json), isChunked })

  assert.is(own.status, status, own.text)
  assert.is((JSON.parse(own.text) as { code: string }).code, code)
  assert.is(openAi.status, status, openAi.text)
  const { error } = JSON.parse(openAi.text) as { error: { type: string; code: string } }
  assert.equal([error.type, error.code], ['invalid_request_error', code])
  for (const { text } of [own, openAi])
    assert.ok(text.length < 8_192, `${text.length} characters of faults`)
  return { own: own.text, openAi: openAi.text }
}

test('a byte more than is taken is 413, in the envelope of its route, with its length or without', async () => {
  const tooLong = query(maxBytes + 1)
  assert.is(new TextEncoder().encode(tooLong).length, maxBytes + 1)

  await areRefused(tooLong, 413, 'body_too_large')
  await areRefused(tooLong, 413, 'body_too_large', true)
  assert.is((await send(chat(query(maxBytes)))).status, 200)
})

test('ten thousand messages have too many values, and two thousand are too many messages', async () => {
  await areRefused(tooMany, 413, 'json_too_many_values')

  const { own, openAi } = await areRefused(messages(2_000, { role: 'u' }), 422, 'invalid_body')

  const { errors } = JSON.parse(own) as { errors: { pointer: string }[] }
  assert.ok(
    errors.some(({ pointer }) => pointer === '/messages'),
    own,
  )
  assert.match(openAi, '"param":"messages"')
})

test('a body of twenty thousand keys has too many values', async () => {
  await areRefused(withKeys(20_000), 413, 'json_too_many_values')
})

const loads: readonly (readonly [name: string, bodies: readonly Sent[], status: number])[] = [
  [
    'too many bytes, too many values',
    [query(maxBytes + 1), tooMany, withKeys(20_000)].flatMap((json) => [chat(json), v1(json)]),
    413,
  ],
  ['thousands of unknown keys, refused', [chat(withKeys(9_990))], 422],
  ['thousands of unknown keys, passed on', [v1(withKeys(9_990))], 200],
  ['80 KiB of one letter in any format', asked, 200],
  ['the largest question that is taken', [chat(query(maxBytes))], 200],
]
for (const [name, bodies, status] of loads)
  test(`forty at once delay nobody: ${name}`, () => isHeld(name, bodies, status))

test.run()
