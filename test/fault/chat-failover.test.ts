/**
 * Two instances over a master that real Sentinels watch, with answers under way while the master changes. Its
 * replica is cut off a moment before: what the old master acknowledged after that is lost at the new one, as
 * asynchronous replication may lose it on any day.
 */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'
import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { AnyPlugin } from '../../core/app-options.ts'
import redis from '../../plugins/redis/index.ts'
import { postgres } from '../harness/postgres.ts'
import { watchedRedis } from '../harness/sentinel.ts'
import { until } from '../plugins/cache/rig.ts'
import { ask, parse, readSome, resume, streamOf } from '../plugins/llm-chat/kept-reading.ts'
import type { Got } from '../plugins/llm-chat/kept-reading.ts'
import { rounds, serve } from '../plugins/llm-chat/server.ts'

const { name, master, replica, nodes } = await watchedRedis()
const { url: database } = await postgres()
const keyPrefix = 'chat-failover:'
/** Of one user at once: as many as are under way. */
const concurrent = rounds(16)
/** Acknowledged for so long by a master that nobody copies. */
const lostMs = 400
/** An answer of some 100 words lasts for longer than the Sentinels need. */
const config = { fakeDelay: '50ms', limits: { concurrent } }
const query = 'What is streaming, and how do I cache, deploy, and bill?'

const instance = () =>
  serve(config, [redis as unknown as AnyPlugin], {
    plugins: {
      redis: { config: { sentinels: { name, nodes }, keyPrefix } },
      database: { config: { url: database } },
    },
  })
const one = await instance()
const other = await instance()
test.after(async () => {
  await one.stop()
  await other.stop()
})

/** No reader waits for longer: what has not ended by then is a spinner. */
const patience = () => AbortSignal.timeout(90_000)

interface Read {
  readonly how: string
  readonly stream: string
  readonly got: Got
}

/** Reads where it is written, to the end. */
async function stay(as: string): Promise<Read> {
  const reply = await ask(one, query, { as, signal: patience() })
  return { how: 'stayed', stream: streamOf(reply), got: parse(await reply.text()) }
}

/** Breaks off after some events, and goes on at the other instance when told to. */
async function move(as: string, go: AbortSignal): Promise<Read> {
  const leave = new AbortController()
  const reply = await ask(one, query, { as, signal: leave.signal })
  const before = await readSome(reply, 1 + Math.floor(Math.random() * 20), leave)
  if (!go.aborted) await once(go, 'abort')
  const seen = parse(before).ids.at(-1) ?? 0
  const rest = await resume(other, streamOf(reply), seen, as)
  return { how: `moved after ${seen}`, stream: streamOf(reply), got: parse(before + rest) }
}

/** Reads at the other instance from the beginning, while and after the master changes. */
async function watch(as: string): Promise<Read> {
  const leave = new AbortController()
  const reply = await ask(one, query, { as, signal: leave.signal })
  await readSome(reply, 3, leave)
  const rest = await resume(other, streamOf(reply), 0, as)
  return { how: 'watched', stream: streamOf(reply), got: parse(rest) }
}

async function on<T>(port: number, use: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis({ port, host: '127.0.0.1' })
  try {
    return await use(client)
  } finally {
    client.disconnect()
  }
}

/** Its replica is sent away and is not let in again. */
const cutOff = (port: number) =>
  on(port, async (client) => {
    await client.call('ACL', 'SETUSER', 'default', '-psync', '-sync')
    await client.call('CLIENT', 'KILL', 'TYPE', 'replica')
  })

const letIn = (port: number) =>
  on(port, (client) => client.call('ACL', 'SETUSER', 'default', '+psync', '+sync'))

/** The numbers that the streams of one server end with, summed up. */
const eventsAt = (port: number) =>
  on(port, async (client) => {
    const keys = await client.keys(`${keyPrefix}llm:*:events`)
    const tops = await Promise.all(keys.map((key) => client.xrevrange(key, '+', '-', 'COUNT', 1)))
    return tops.reduce((sum, [top]) => sum + Number(top?.[0].split('-')[0] ?? 0), 0)
  })

const isMaster = (port: number) =>
  on(port, async (client) => (await client.info('replication')).includes('role:master'))

const sentinel = <T>(use: (client: Redis) => Promise<T>) => on(Number(nodes[0]?.split(':')[1]), use)

interface Row {
  readonly id: string
  readonly outcome: string | null
}

async function ledgerOf(owner: string): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const sql = 'SELECT id, outcome FROM llm_chat_generations WHERE owner = $1'
  const { rows } = await client.query<Row>(sql, [owner])
  await client.end()
  return rows
}

/** What is wrong with answers that were under way. */
function faults(reads: readonly Read[], whole: Got): string[] {
  return reads.flatMap(({ how, got }) => {
    if (got.ends.join() !== 'done') return [`${how}: it ended with ${got.ends.join() || 'nothing'}`]
    if (got.ids.join() !== whole.ids.join()) return [`${how}: ${got.ids.join()}`]
    return got.text === whole.text ? [] : [`${how}: another text`]
  })
}

/** Answers of one user, under way in all ways of reading while `change` moves the master from one port to another. */
async function through(as: string, from: number, to: number, change: () => Promise<unknown>) {
  const whole = parse(await (await ask(one, query, { as })).text())
  const changed = new AbortController()
  const promoted = new AbortController()
  const early = Array.from({ length: concurrent }, (_, index) => {
    if (index % 4 === 0) return stay(as)
    if (index % 4 === 1) return watch(as)
    return move(as, (index % 4 === 2 ? changed : promoted).signal)
  })
  await sleep(1_000)
  await cutOff(from)
  await sleep(lostMs)
  const lost = (await eventsAt(from)) - (await eventsAt(to))
  await change()
  changed.abort()
  const begunAt = performance.now()
  await until(() => isMaster(to), 30_000)
  promoted.abort()
  const tookMs = Math.round(performance.now() - begunAt)
  const reads = await Promise.all(early)
  return { whole, reads, tookMs, lost }
}

/** What must hold when all of them have ended. */
async function assertAfter(as: string, seen: Awaited<ReturnType<typeof through>>) {
  const { whole, reads, lost } = seen
  assert.ok(lost > concurrent, `${lost} events were lost`)
  assert.ok(whole.text.length > 300, whole.text)
  assert.equal(faults(reads, whole), [])
  const rows = await ledgerOf(as)
  const streams = reads.map(({ stream }) => stream.split('/').at(-1))
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length)
  assert.equal(
    streams.filter(
      (id) => rows.filter((row) => row.id === id && row.outcome === 'ok').length !== 1,
    ),
    [],
  )
  const usage = (await (await one.get('/chat/usage', as)).json()) as Record<string, number>
  assert.is(usage['reserved'], 0)
  assert.is(usage['inFlight'], 0)
  // All slots are free again: as many new ones as before, and one too many.
  const leave = new AbortController()
  const signal = leave.signal
  const next = await Promise.all(
    Array.from({ length: concurrent }, () => ask(one, query, { as, signal })),
  )
  assert.equal([...new Set(next.map(({ status }) => status))], [200])
  assert.is((await ask(other, query, { as })).status, 429)
  const text = await resume(other, streamOf(next[0] ?? new Response()), 0, as)
  assert.equal(parse(text), whole)
  await Promise.all(next.map((reply) => reply.text()))
  return rows.length
}

test('answers under way outlive a failover that was asked for, each whole and once', async () => {
  const seen = await through('alice', master.port, replica.port, () =>
    sentinel((client) => client.call('SENTINEL', 'FAILOVER', name)),
  )
  await assertAfter('alice', seen)

  console.log(`promoted after ${seen.tookMs} ms; ${seen.lost} acknowledged events were lost`)
})

test('answers under way outlive the killing of the master, each whole and once', async () => {
  await letIn(master.port)
  await until(
    () =>
      on(master.port, async (client) => (await client.info()).includes('master_link_status:up')),
    30_000,
  )
  // They wait between two failovers of the same master for twice their time.
  await sleep(5_000)
  const seen = await through('bob', replica.port, master.port, () => replica.kill('SIGKILL'))
  await assertAfter('bob', seen)

  console.log(`promoted after ${seen.tookMs} ms; ${seen.lost} acknowledged events were lost`)
})

test.run()
