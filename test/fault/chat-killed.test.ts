import { once } from 'node:events'

import { Redis } from 'ioredis'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { textOf } from '../../plugins/llm-chat/events.ts'
import type { StreamEvent } from '../../plugins/llm-chat/events.ts'
import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'
import { postgres } from '../harness/postgres.ts'
import { redis } from '../harness/redis.ts'
import { until } from '../harness/until.ts'
import { inTime, patienceMs } from '../plugins/llm-chat/in-time.ts'
import { startProducer } from './chat-producer.ts'

const { url: database } = await postgres()
const { url, prefix } = await redis()
const other = await serveOnRedis(url, prefix, {}, database)
test.after(() => other.stop())

const query = 'What is streaming, and how do I cache, deploy, and bill?'

const ask = (server: string, body: object, signal?: AbortSignal) =>
  fetch(`${server}/chat/stream`, {
    method: 'POST',
    headers: { authorization: 'Bearer alice', 'content-type': 'application/json' },
    body: JSON.stringify({ query, ...body }),
    ...(signal && { signal }),
  })

async function conversation(): Promise<string> {
  const made = await other.post('/chat/conversations', {})
  return ((await made.json()) as { id: string }).id
}

interface Message {
  readonly role: string
  readonly content: string
  readonly finishReason: string | null
}

async function messagesOf(id: string): Promise<readonly Message[]> {
  const reply = await other.get(`/chat/conversations/${id}/messages`)
  return ((await reply.json()) as { items: Message[] }).items
}

/** Words wait for 50 ms at their producer, so that Redis gets them in batches. */
async function arrived(id: string, words: string): Promise<void> {
  const client = new Redis(url)
  const key = `${prefix}llm:{${id}}:events`
  const stored = async () =>
    wordsOf(
      (await client.xrange(key, '-', '+')).flatMap(
        ([, [, json]]) => JSON.parse(json ?? '[]') as StreamEvent[],
      ),
    )
  await until(async () => (await stored()).startsWith(words))
  client.disconnect()
}

/** Asks the server that will be killed, and reads until some words are here, and in Redis. */
async function begin(server: string) {
  const conversationId = await conversation()
  const reply = await ask(server, { conversationId, resumable: true })
  const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader()
  let seen = ''
  while (seen.length < 40) {
    const read = await inTime('the first words', reader?.read() ?? Promise.reject(reply.status))
    assert.not(read.done, seen)
    seen += read.value ?? ''
  }
  const id = String(reply.headers.get('x-stream-id'))
  await arrived(id, seen)
  return { conversationId, seen, id }
}

/** Its lease is over. */
async function expire(id: string): Promise<void> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const sql = `UPDATE llm_chat_generations SET expires_at = now() - interval '1 second' WHERE id = $1`
  await client.query(sql, [id])
  await client.end()
}

test('what a killed producer had written is in its conversation, once, whether somebody reads it or not', async () => {
  const { url: server, child } = await startProducer(url, prefix, database)
  const [read, unread] = await Promise.all([begin(server), begin(server)])
  child.kill('SIGKILL')
  await once(child, 'exit')
  await expire(unread.id)

  const told = ['one', 'two'].map(async () => {
    const reply = await other.get(`/chat/streams/${read.id}`)
    const text = await inTime('the news that its producer is lost', reply.text())
    // Whoever hears of the loss finds the rest at once.
    return { text, stored: await messagesOf(read.conversationId) }
  })
  for (const { text, stored } of await Promise.all(told)) {
    const answer = stored[1]
    assert.match(text, /producer_lost/)
    assert.equal(
      stored.map(({ role, finishReason }) => [role, finishReason]),
      [
        ['user', null],
        ['assistant', 'error'],
      ],
    )
    assert.is(answer?.content, wordsOf(eventsIn(text)))
    assert.ok(answer?.content.startsWith(read.seen), read.seen)
  }

  let stored: readonly Message[] = []
  await until(async () => {
    stored = await messagesOf(unread.conversationId)
    return stored.length === 2
  }, 2 * patienceMs)
  assert.is(stored[1]?.finishReason, 'error')
  assert.ok(stored[1]?.content.startsWith(unread.seen), unread.seen)
})

const eventsIn = (text: string): readonly StreamEvent[] =>
  [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)$/gm)].map(([, id, event, data]) => ({
    seq: Number(id),
    event: event as StreamEvent['event'],
    data: data ?? '',
  }))

const wordsOf = (events: readonly StreamEvent[]): string => events.map(textOf).join('')

test('an answer that is not kept is stopped from another instance too', async () => {
  const { url: server, child } = await startProducer(url, prefix, database)
  const conversationId = await conversation()
  const reply = await ask(server, { conversationId })
  const stream = `${other.url}/chat/streams/${String(reply.headers.get('x-stream-id'))}`
  const stop = async (as: string) => {
    const headers = { authorization: `Bearer ${as}` }
    return (await fetch(stream, { method: 'DELETE', headers })).status
  }

  const statuses = [await stop('mallory'), await stop('alice')]
  const isWhole = await inTime(
    'the end of what was stopped',
    reply.text().then(
      () => true,
      () => false,
    ),
  )
  const stored = await messagesOf(conversationId)
  child.kill('SIGKILL')

  assert.equal(statuses, [404, 202])
  assert.not(isWhole)
  assert.is(stored[1]?.finishReason, 'cancelled')
})

test.run()
