import { once } from 'node:events'

import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'
import {
  ask,
  parse,
  readAll,
  readSome,
  resume,
  streamOf,
} from '../plugins/llm-chat/kept-reading.ts'
import { rounds } from '../plugins/llm-chat/server.ts'
import { privateRedis } from '../harness/redis.ts'
import { timed } from '../harness/stopwatch.ts'
import { until } from '../harness/until.ts'
import { startProducer } from './chat-producer.ts'

const server = await privateRedis()
const prefix = 'chat-resume:'
const one = await serveOnRedis(server.url, prefix)
const other = await serveOnRedis(server.url, prefix)
test.after(async () => {
  await one.stop()
  await other.stop()
  await server.stop()
})

test('an answer that is cut anywhere goes on at another instance, whole and once', async () => {
  const query = 'What is streaming, and how do I cache?'
  const whole = parse(await readAll(await ask(one, query)))
  const wrong: string[] = []
  const cutOnce = async () => {
    const leave = new AbortController()
    const first = await ask(one, query, { signal: leave.signal })
    const before = await readSome(first, Math.floor(Math.random() * whole.ids.length), leave)
    const seen = parse(before).ids.at(-1) ?? 0
    const got = parse(before + (await resume(other, streamOf(first), seen)))
    if (got.text !== whole.text) wrong.push(`another text after ${seen}: ${got.text}`)
    if (got.ids.join() !== whole.ids.join()) wrong.push(`after ${seen} came ${got.ids.join()}`)
    if (got.ends.join() !== 'done') wrong.push(`after ${seen} it ended with ${got.ends.join()}`)
  }
  for (let begun = 0; begun < rounds(60); begun += 10)
    await Promise.all(Array.from({ length: 10 }, cutOnce))

  assert.ok(whole.text.length > 100)
  assert.equal(wrong, [])
})

test('a finished answer is replayed by an instance that never saw it', async () => {
  const reply = await ask(one, 'Hola')
  const text = await readAll(reply)
  await new Promise((resolve) => setTimeout(resolve, 200))

  const again = await resume(other, streamOf(reply))

  assert.equal(parse(again), parse(text))
})

test('whoever has seen the end hears nothing more, on any instance', async () => {
  const reply = await ask(one, 'Hola')
  const last = parse(await readAll(reply)).ids.at(-1) ?? 0
  await new Promise((resolve) => setTimeout(resolve, 200))

  assert.is(await resume(one, streamOf(reply), last), '')
  assert.is(await resume(other, streamOf(reply), last), '')
})

test('an answer is stopped from another instance', async () => {
  const reply = await ask(one, 'What is streaming?')
  const reader = reply.body?.getReader()
  await reader?.read()
  const stopped = await fetch(`${other.url}${streamOf(reply)}`, {
    method: 'DELETE',
    headers: { authorization: 'Bearer alice' },
  })
  const rest = await resume(other, streamOf(reply))

  assert.is(stopped.status, 202)
  assert.equal(parse(rest).ends, ['error'])
  assert.match(rest, /answer_cancelled/)
})

test('nobody else can read it, on any instance', async () => {
  const reply = await ask(one, 'Hola')
  await readAll(reply)

  assert.is((await other.get(streamOf(reply), 'mallory')).status, 404)
  assert.is((await one.get(streamOf(reply), 'mallory')).status, 404)
})

test('a producer that is killed leaves an error event, not a silence', async () => {
  const { url, child } = await startProducer(server.url, prefix)
  const producer = { post: (path: string, body: unknown) => post(url, path, body) }
  const slow = {
    query: 'What is streaming, and how do I cache, deploy, and bill?',
    resumable: true,
  }
  await (await producer.post('/chat/stream', { ...slow, query: 'Hola' })).text()
  const reply = await producer.post('/chat/stream', slow)
  await reply.body?.getReader().read()
  await until(() => hasEvents(reply))
  child.kill('SIGKILL')
  await once(child, 'exit')

  const { value: rest, ms } = await timed(() => resume(other, streamOf(reply)))

  const { ends, text } = parse(rest)
  assert.equal(ends, ['error'])
  assert.match(rest, /producer_lost/)
  assert.ok(text.length > 0)
  assert.ok(ms < 18_000, `${ms} ms`)
})

test('a Redis that is away is waited for by readers elsewhere, and not for ever', async () => {
  const impatient = await serveOnRedis(server.url, prefix, { resume: { outage: '2s' } })
  const slow = await serveOnRedis(server.url, prefix, { fakeDelay: '40ms' })
  const reply = await ask(slow, 'What is streaming, and how do I cache, deploy, and bill?')
  const readers = [other, impatient].map((app) => app.get(streamOf(reply)))
  const [waiting, leaving] = (await Promise.all(readers)) as [Response, Response]
  const goOn = server.hang()
  const left = await readAll(leaving)
  goOn()
  const waited = await readAll(waiting)
  const whole = await readAll(reply)
  await Promise.all([impatient.stop(), slow.stop()])

  assert.equal(parse(left).ends, ['error'])
  assert.match(left, /stream_store_unavailable/)
  assert.equal(parse(waited), parse(whole))
})

test('a Redis that dies during an answer, and comes back empty, gets all of it', async () => {
  const reply = await ask(one, 'What is streaming, and how do I cache, deploy, and bill?')
  const leave = new AbortController()
  await readSome(reply, 5, leave)
  await server.kill('SIGKILL')
  await server.restart()
  const here = await resume(one, streamOf(reply))
  const elsewhere = await resume(other, streamOf(reply))

  assert.equal(parse(here).ends, ['done'])
  assert.equal(parse(elsewhere), parse(here))
})

test('while Redis is away the answer itself is whole, and can be resumed where it is written', async () => {
  await server.kill('SIGKILL')
  const reply = await ask(one, 'What is streaming?')
  const text = await readAll(reply)
  const again = await one.get(streamOf(reply))
  const seen = parse(await readAll(again))
  await server.restart()

  assert.equal(parse(text).ends, ['done'])
  assert.equal(seen, parse(text))
})

/** Words wait for 50 ms at their producer. */
async function hasEvents(reply: Response): Promise<boolean> {
  const client = new Redis(server.url)
  const found = await client.exists(`${prefix}llm:{${reply.headers.get('x-stream-id')}}:events`)
  client.disconnect()
  return found === 1
}

const post = (url: string, path: string, body: unknown) =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer alice',
      'content-type': 'application/json',
      accept: 'text/event-stream',
    },
    body: JSON.stringify(body),
  })

test.run()
