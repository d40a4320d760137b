/**
 * A Redis that forgets what it acknowledged, with nobody noticing: a promoted replica that was behind, an eviction,
 * a server that came back empty between two commands.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { redis } from '../harness/redis.ts'
import { timed } from '../harness/stopwatch.ts'
import { until } from '../harness/until.ts'
import { inTime } from '../plugins/llm-chat/in-time.ts'
import {
  ask,
  parse,
  readAll,
  readSome,
  resume,
  streamOf,
} from '../plugins/llm-chat/kept-reading.ts'
import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'

const { url, prefix } = await redis()
const one = await serveOnRedis(url, prefix, { fakeDelay: '10ms' })
const other = await serveOnRedis(url, prefix)
const client = new Redis(url)
test.after(async () => {
  client.disconnect()
  await one.stop()
  await other.stop()
})

const query = 'What is streaming, and how do I cache?'

const keyOf = (reply: Response, name: string) =>
  `${prefix}llm:{${String(reply.headers.get('x-stream-id'))}}:${name}`

/** All but a number of entries of the stream, at once: as if they had never come. */
const loseAfter = (reply: Response, kept: number) =>
  client.eval(
    `local all = redis.call('XRANGE', KEYS[1], '-', '+')
    redis.call('DEL', KEYS[1])
    for index = 1, math.min(#all, tonumber(ARGV[1])) do
      redis.call('XADD', KEYS[1], all[index][1], unpack(all[index][2]))
    end
    return #all`,
    1,
    keyOf(reply, 'events'),
    kept,
  ) as Promise<number>

/** Reads some events where it is written, and leaves. */
async function begin() {
  const leave = new AbortController()
  const reply = await ask(one, query, { signal: leave.signal })
  return { reply, before: await readSome(reply, 10, leave) }
}

/** The whole answer, read where it was written, and all of it in Redis. */
async function finish() {
  const reply = await ask(one, query)
  const whole = parse(await readAll(reply))
  await until(async () => (await client.exists(keyOf(reply, 'alive'))) === 0)
  return { reply, whole }
}

test('entries that get lost while the answer is written are written again, and nobody sees a hole', async () => {
  const { whole } = await finish()
  const { reply, before } = await begin()
  const watched = resume(other, streamOf(reply))
  await until(async () => (await client.xlen(keyOf(reply, 'events'))) > 2)
  const had = await loseAfter(reply, 2)
  const moved = resume(other, streamOf(reply), parse(before).ids.at(-1))
  const [all, rest] = await Promise.all([watched, moved])

  assert.ok(had > 2)
  assert.equal(parse(before + rest), whole)
  assert.equal(parse(all), whole)
  assert.equal(parse(await resume(other, streamOf(reply))), whole)
})

test('what gets lost of an answer that has ended is written again when a reader misses it', async () => {
  const { reply, whole } = await finish()
  await loseAfter(reply, 2)
  const { value, ms } = await timed(() => resume(other, streamOf(reply)))

  assert.equal(parse(value), whole)
  assert.ok(ms < 2_500, `${ms} ms`)
})

test('an answer of which nothing is left is found all the same, while it is written and afterwards', async () => {
  const { reply: ended, whole } = await finish()
  const { reply: written } = await begin()
  for (const reply of [ended, written])
    await client.del(...['events', 'owner', 'alive'].map((name) => keyOf(reply, name)))

  assert.equal(parse(await resume(other, streamOf(ended))), whole)
  assert.equal(parse(await resume(other, streamOf(written))), whole)
  const refused = other.get(streamOf(ended), 'mallory')
  assert.is((await inTime('a refusal', refused)).status, 404)
})

test('a producer whose sign of life gets lost is not taken for dead', async () => {
  const { reply } = await begin()
  const rest = resume(other, streamOf(reply))
  const isOver = rest.then(() => true)
  while (!(await Promise.race([isOver, sleep(20, false)]))) await client.del(keyOf(reply, 'alive'))

  assert.equal(parse(await rest).ends, ['done'])
})

test('an answer with a hole in it ends with an error at the hole', async () => {
  const { reply } = await finish()
  const entries = await client.xrange(keyOf(reply, 'events'), '-', '+')
  await client.xdel(keyOf(reply, 'events'), entries[3]?.[0] ?? '')
  const text = await resume(other, streamOf(reply))

  const { ids, ends } = parse(text)
  assert.equal(ends, ['error'])
  assert.match(text, /stream_store_unavailable/)
  assert.equal(
    ids,
    ids.map((_, index) => index + 1),
  )
})

test('a stream that nobody has is not waited for', async () => {
  const stream = '/chat/streams/strm_01990f3e-7c1a-7d2b-8a52-0c3b9a1f5e77'
  const { value, ms } = await timed(() => inTime('a refusal', other.get(stream)))

  assert.is(value.status, 404)
  assert.ok(ms < 3_000, `${ms} ms`)
})

test.run()
