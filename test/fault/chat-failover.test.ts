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
import { skip } from '../harness/skip.ts'
import { until } from '../plugins/cache/rig.ts'
import { patienceMs } from '../plugins/llm-chat/in-time.ts'
import {
  ask,
  parse,
  readAll,
  readSome,
  resume,
  streamOf,
} from '../plugins/llm-chat/kept-reading.ts'
import type { Got } from '../plugins/llm-chat/kept-reading.ts'
import { rounds, serve } from '../plugins/llm-chat/server.ts'

const { name, master, replica, nodes } = await watchedRedis()
const { url: database } = await postgres()
const keyPrefix = 'chat-failover:'
/** Of one user at once: as many as are under way. */
const concurrent = rounds(16)
/** Acknowledged for so long by a master that nobody copies. */
const lostMs = 400
/** An answer of some 140 words lasts for longer than the Sentinels need. */
const config = { fakeDelay: '40ms', limits: { concurrent } }
const query = 'What is streaming, and how do I cache, deploy, and bill?'
const short = 'Hello'

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

/** The same answers, from a server that nothing happens to. */
const [whole, shortWhole] = await atRest()

async function atRest(): Promise<readonly [Got, Got]> {
  const app = await serve({ fakeDelay: '0ms' })
  const read = async (asked: string) => parse(await readAll(await ask(app, asked)))
  const answers = [await read(query), await read(short)] as const
  await app.stop()
  return answers
}

interface Read {
  readonly how: string
  readonly stream: string
  readonly text: string
  readonly got: Got
}

const readOf = (how: string, stream: string, text: string): Read => ({
  how,
  stream,
  text,
  got: parse(text),
})

/** Reads where it is written, to the end. */
async function stay(as: string): Promise<Read> {
  const reply = await ask(one, query, { as })
  return readOf('stayed', streamOf(reply), await readAll(reply))
}

/** Breaks off after some events, and goes on at the other instance when told to. */
async function move(as: string, go: AbortSignal): Promise<Read> {
  const leave = new AbortController()
  const reply = await ask(one, query, { as, signal: leave.signal })
  const before = await readSome(reply, 1 + Math.floor(Math.random() * 20), leave)
  if (!go.aborted) await once(go, 'abort')
  const seen = parse(before).ids.at(-1) ?? 0
  const rest = await resume(other, streamOf(reply), seen, as)
  return readOf(`moved after ${seen}`, streamOf(reply), before + rest)
}

/** Reads at the other instance from the beginning, while and after the master changes. */
async function watch(as: string): Promise<Read> {
  const leave = new AbortController()
  const reply = await ask(one, query, { as, signal: leave.signal })
  await readSome(reply, 3, leave)
  const rest = await resume(other, streamOf(reply), 0, as)
  return readOf('watched', streamOf(reply), rest)
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

const sentinels = nodes.map((node) => Number(node.split(':')[1]))

const sentinel = <T>(use: (client: Redis) => Promise<T>) => on(sentinels[0] ?? 0, use)

/** As they come, Sentinels tell an old master eight seconds later, and clients stay with it until then. */
const hasten = (port: number) =>
  on(port, (client) =>
    client.call('SENTINEL', 'DEBUG', 'publish-period', '250', 'info-period', '1000'),
  )
await Promise.all(sentinels.map(hasten)).catch(() =>
  skip('Redis 7', 'apt-get install redis-server'),
)

/** Both instances have gone to it. */
const isHome = (port: number) =>
  on(port, async (client) => {
    const [, listening] = (await client.pubsub('NUMSUB', `${keyPrefix}llm:bell`)) as unknown[]
    return listening === 2
  })

/** All Sentinels know it as the master, and a replica that follows it. */
const isWatched = async (port: number) => {
  const asked = sentinels.map((of) =>
    on(of, async (client) => {
      const [, at] = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)) as string[]
      const replicas = (await client.call('SENTINEL', 'REPLICAS', name)) as string[][]
      const facts = replicas[0]?.join(' ') ?? ''
      return Number(at) === port && / flags slave .* master-link-status ok /.test(facts)
    }),
  )
  return (await Promise.all(asked)).every(Boolean)
}

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

const usageOf = async (owner: string) =>
  (await (await one.get('/chat/usage', owner)).json()) as {
    readonly reserved: number
    readonly inFlight: number
  }

/** What is wrong with answers that were under way. */
const faults = (reads: readonly Read[]): string[] =>
  reads.flatMap(({ how, text, got }) => {
    if (got.ends.join() !== 'done') return [`${how}: it ended with ${text.slice(-200)}`]
    if (got.ids.join() !== whole.ids.join()) return [`${how}: ${got.ids.join()}`]
    return got.text === whole.text ? [] : [`${how}: another text`]
  })

/** Answers of one user, under way in all ways of reading while `change` moves the master from one port to another. */
async function through(as: string, from: number, to: number, change: () => Promise<unknown>) {
  const changed = new AbortController()
  const promoted = new AbortController()
  const early = Promise.all(
    Array.from({ length: concurrent }, (_, index) => {
      if (index % 4 === 0) return stay(as)
      if (index % 4 === 1) return watch(as)
      return move(as, (index % 4 === 2 ? changed : promoted).signal)
    }),
  )
  early.catch(() => undefined) // told where it is awaited
  await sleep(1_000)
  await cutOff(from)
  await sleep(lostMs)
  const lost = (await eventsAt(from)) - (await eventsAt(to))
  const begunAt = performance.now()
  await change()
  changed.abort()
  await until(() => isMaster(to), patienceMs)
  promoted.abort()
  const promotedMs = Math.round(performance.now() - begunAt)
  await until(() => isHome(to), patienceMs)
  const movedMs = Math.round(performance.now() - begunAt)
  const { inFlight } = await usageOf(as)
  console.log(
    `promoted after ${promotedMs} ms, used by both after ${movedMs}; ${lost} acknowledged events were lost; ${inFlight} answers under way`,
  )
  return { reads: await early, lost, inFlight }
}

/** What must hold when all of them have ended. */
async function assertAfter(as: string, { reads, lost }: Awaited<ReturnType<typeof through>>) {
  assert.ok(lost > concurrent, `${lost} events were lost`)
  assert.ok(whole.text.length > 300, whole.text)
  assert.equal(faults(reads), [])
  const rows = await ledgerOf(as)
  const streams = reads.map(({ stream }) => stream.split('/').at(-1))
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length)
  assert.equal(
    streams.filter(
      (id) => rows.filter((row) => row.id === id && row.outcome === 'ok').length !== 1,
    ),
    [],
  )
  const { reserved, inFlight } = await usageOf(as)
  assert.equal({ reserved, inFlight }, { reserved: 0, inFlight: 0 })
}

/** All slots are free again: as many new ones as before, and one too many. */
async function assertSlots(as: string) {
  const next = await Promise.all(
    Array.from({ length: concurrent }, (_, index) => ask(one, index === 0 ? short : query, { as })),
  )
  assert.equal([...new Set(next.map(({ status }) => status))], [200])
  assert.is((await ask(other, query, { as })).status, 429)
  const [read, ...rest] = next.map(streamOf)
  assert.equal(parse(await resume(other, String(read), 0, as)), shortWhole)
  const headers = { authorization: `Bearer ${as}` }
  const stop = (stream: string) => fetch(`${other.url}${stream}`, { method: 'DELETE', headers })
  const stopped = await Promise.all(rest.map(stop))
  assert.equal([...new Set(stopped.map(({ status }) => status))], [202])
  const ends = (await Promise.all(next.slice(1).map(readAll))).map((text) => parse(text).ends)
  assert.equal([...new Set(ends.map(String))], ['error'])
}

test('answers under way outlive a failover that was asked for, each whole and once', async () => {
  // It refuses while what it knows of the replica is older than three of its looks.
  const failOver = () =>
    sentinel((client) => client.call('SENTINEL', 'FAILOVER', name)).then(
      () => true,
      (error: Error) => !error.message.startsWith('NOGOODSLAVE') && Promise.reject(error),
    )
  const seen = await through('alice', master.port, replica.port, () => until(failOver, patienceMs))

  assert.ok(seen.inFlight > 0, 'they had ended before their clients went to the new master')
  await assertAfter('alice', seen)
  await assertSlots('alice')
})

test('answers under way outlive the killing of the master, each whole and once', async () => {
  await letIn(master.port)
  await until(() => isWatched(replica.port), patienceMs)
  const seen = await through('bob', replica.port, master.port, () => replica.kill('SIGKILL'))

  await assertAfter('bob', seen)
  await assertSlots('bob')
})

test.run()
