/**
 * Instances, a Redis and a Postgres whose clocks are set by hours, back and forward, while answers are under way:
 * as by somebody's hand, by NTP after a cold start, or by a failover to a machine whose clock differs.
 */
import { once } from 'node:events'

import { Redis } from 'ioredis'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { startPostgres } from '../harness/postgres-server.ts'
import { privateRedis } from '../harness/redis.ts'
import { SetClock } from '../harness/set-clock.ts'
import { skip } from '../harness/skip.ts'
import { until } from '../harness/until.ts'
import { parse } from '../plugins/llm-chat/kept-reading.ts'
import { startInstance } from './chat-clock-server.ts'
import {
  admitted,
  ask,
  askAtOnce,
  begin,
  beginFar,
  headersOf,
  isIn,
  patienceMs,
  post,
  usageIn,
} from './chat-clock-users.ts'
import type { Usage } from './chat-clock-users.ts'
import { PatientModel, questions, wordsOf } from './chat-patient-model.ts'

const minute = 60_000
const hour = 60 * minute
const limits = { concurrent: 3, requestsPerMinute: 6 }
const model = await new PatientModel().start()
const config = { baseUrl: model.url, model: 'm', resume: { grace: '4s' }, limits }

const clocks = { redis: new SetClock(), database: new SetClock(), instance: new SetClock() }
const server = await privateRedis([], clocks.redis.env)
const database = await startPostgres(undefined, clocks.database.env)
if (!database) skip('a Postgres', 'apt-get install postgresql')
const places = { redis: server.url, database: database.url, config }
const [one, other, doomed] = await Promise.all([
  startInstance(places, clocks.instance.env),
  startInstance(places),
  startInstance(places),
])
const client = new Redis(server.url)
const db = new pg.Client({ connectionString: database.url })
await db.connect()
test.after(async () => {
  for (const { child } of [one, other, doomed]) child.kill()
  client.disconnect()
  await db.end()
  await server.kill('SIGTERM')
  await database.stop()
})

interface Row {
  readonly id: string
  readonly outcome: string | null
  readonly input: number
  readonly output: number
  readonly ms: number
}

async function rowsOf(owner: string): Promise<readonly Row[]> {
  const { rows } = await db.query<Row>(
    `SELECT id, outcome, input_tokens AS input, output_tokens AS output, duration_ms AS ms
    FROM llm_chat_generations WHERE owner = $1`,
    [owner],
  )
  return rows
}

const lost = new Set<string>()
async function lookForLost(): Promise<void> {
  const sql = `SELECT owner FROM llm_chat_generations WHERE outcome = 'lost'`
  for (const { owner } of (await db.query<{ owner: string }>(sql)).rows) lost.add(owner)
}

/** How far each clock is from ours. */
async function offsets() {
  const [seconds] = await client.time()
  const { rows } = await db.query<{ now: Date }>('SELECT now() AS now')
  const health = await fetch(`${one.url}/chat/usage`, { headers: headersOf('nobody') })
  const times = [
    Number(seconds) * 1_000,
    Number(rows[0]?.now),
    Date.parse(String(health.headers.get('date'))),
  ]
  return times.map((time) => Math.round((time - Date.now()) / minute))
}

async function setClocks(ms: Readonly<Record<keyof typeof clocks, number>>): Promise<void> {
  clocks.redis.set(ms.redis)
  clocks.database.set(ms.database)
  clocks.instance.set(ms.instance)
  const wanted = [ms.redis, ms.database, ms.instance].map((one) => one / minute)
  // The header of an instance is a second old at most.
  await until(async () => (await offsets()).join() === wanted.join())
}

/** All slots that Redis knows of. */
async function slots(): Promise<number> {
  const keys = await client.keys('chat-clock:llm:*:leases')
  const counts = await Promise.all(keys.map((key) => client.zcard(key)))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function converse() {
  const made = await post(one, '/chat/conversations', 'frank', {})
  const { id } = (await made.json()) as { id: string }
  await post(one, '/chat', 'frank', { query: questions.short, conversationId: id })
  const found = await fetch(`${one.url}/chat/conversations/${id}`, { headers: headersOf('frank') })
  return (await found.json()) as { readonly createdAt: string; readonly updatedAt: string }
}

/** Alice has her slots on two instances, bob on one, dave on one that dies; carol has used up her minute. */
async function scenario() {
  const leave = new AbortController()
  const answers = await Promise.all([
    begin(one, 'alice'),
    begin(other, 'alice'),
    beginFar(one, other, 'alice'),
    begin(one, 'bob'),
    begin(one, 'bob'),
    begin(one, 'bob'),
  ])
  await beginFar(one, other, 'erin', leave.signal)
  await Promise.all([1, 2, 3].map(() => begin(doomed, 'dave')))
  for (let round = 0; round < limits.requestsPerMinute; round += 1) await ask(other, 'carol')
  const before = await ask(other, 'carol')
  doomed.child.kill('SIGKILL')
  await once(doomed.child, 'exit')

  leave.abort()
  await setClocks({ redis: -hour, database: -hour, instance: hour })
  const frank = await converse()
  const back = {
    carol: await ask(other, 'carol'),
    dave: await ask(other, 'dave'),
    full: [await ask(one, 'alice'), await ask(other, 'alice'), await ask(other, 'bob')],
  }
  clocks.redis.set(minute - hour)
  const later = { carol: await ask(other, 'carol'), dave: await ask(other, 'dave') }
  const isAborted = async () => (await rowsOf('erin'))[0]?.outcome === 'aborted'
  await until(isAborted, minute).catch(() => undefined)
  const erin = (await rowsOf('erin'))[0]?.outcome

  await setClocks({ redis: hour, database: hour, instance: -hour })
  const forward = {
    bobHere: await askAtOnce(one, 'bob', 6),
    bobThere: await askAtOnce(other, 'bob', 6),
    carol: await askAtOnce(other, 'carol', 20),
  }
  // The instances tell Redis again what runs.
  await until(async () => (await slots()) >= 2 * limits.concurrent, minute).catch(() => undefined)
  const renewed = [await ask(one, 'alice'), await ask(other, 'alice'), await ask(other, 'bob')]
  const isClosed = async () => (await rowsOf('dave')).every(({ outcome }) => outcome !== null)
  await until(isClosed, minute).catch(() => undefined)
  model.letGo()
  const texts = await Promise.all(answers.map(async ({ how, text }) => ({ how, text: await text })))
  return { before, frank, back, later, erin, forward, renewed, texts }
}

const looking = setInterval(() => void lookForLost(), 250)
const seen = await scenario().finally(() => clearInterval(looking))
await lookForLost()

const kept = { status: 429, code: 'concurrency_limit', retryMs: 1_000 }

test('a Redis clock that is set back keeps nobody out for longer than a minute', () => {
  const { before, back, later } = seen

  assert.is(before.code, 'request_rate_limit')
  assert.is(back.carol.code, 'request_rate_limit')
  assert.ok(back.carol.retryMs > 0 && back.carol.retryMs <= minute, String(back.carol.retryMs))
  assert.is(back.dave.code, 'concurrency_limit')
  assert.equal([later.carol.status, later.dave.status], [200, 200])
})

test('a Redis clock that is set gives nobody more slots than the instance has, and not twice as many on others', () => {
  const { back, forward, renewed } = seen

  assert.equal(back.full, [kept, kept, kept])
  assert.equal(forward.bobHere.filter(isIn), [])
  assert.ok(forward.bobThere.filter(isIn).length <= limits.concurrent)
  assert.ok(forward.carol.filter(isIn).length <= limits.requestsPerMinute)
  assert.equal(renewed, [kept, kept, kept])
})

test('answers go on to their end, whole and once', () => {
  assert.is(seen.texts.length, 2 * limits.concurrent)
  for (const { how, text } of seen.texts) {
    const { ends, ids, text: said } = parse(text)
    const { outputTokens } = usageIn(text)

    assert.ok(outputTokens > 50, how)
    assert.is(said, wordsOf(outputTokens), how)
    assert.equal(ends, ['done'], how)
    assert.equal(
      ids,
      ids.map((_, index) => index + 1),
      how,
    )
  }
})

test('an answer that nobody reads any more ends after its grace, however long its keys stand in Redis', () => {
  assert.is(seen.erin, 'aborted')
})

test('each answer has one row with its figures, and only those of a dead instance were ever taken for lost', async () => {
  assert.equal([...lost], ['dave'])
  for (const owner of ['alice', 'bob', 'carol']) {
    const rows = await rowsOf(owner)
    const usages = await Promise.all(admitted.get(owner) ?? [])
    const used = (all: readonly Usage[]) =>
      all.map(({ inputTokens, outputTokens }) => `${inputTokens}+${outputTokens}`).toSorted()
    const booked = rows.map(({ input, output }) => ({ inputTokens: input, outputTokens: output }))

    assert.equal([...new Set(rows.map(({ outcome }) => outcome))], ['ok'], owner)
    assert.equal(used(booked), used(usages), owner)
    assert.ok(
      rows.every(({ ms }) => ms > 0 && ms < patienceMs),
      owner,
    )
  }
  assert.is((await rowsOf('dave')).filter(({ outcome }) => outcome === 'lost').length, 3)
})

test('what was reserved is given back, also that of a dead instance', async () => {
  for (const owner of ['alice', 'bob', 'carol', 'dave', 'erin']) {
    const reply = await fetch(`${other.url}/chat/usage`, { headers: headersOf(owner) })
    const { used, reserved } = (await reply.json()) as { used: number; reserved: number }
    const spent = (await rowsOf(owner)).reduce((sum, { input, output }) => sum + input + output, 0)

    assert.equal({ used, reserved }, { used: spent, reserved: 0 }, owner)
  }
})

test('a conversation is created and updated by one clock', () => {
  const ms = Date.parse(seen.frank.updatedAt) - Date.parse(seen.frank.createdAt)

  assert.ok(ms >= 0 && ms < minute, `${ms} ms`)
})

test.run()
