/** A whole server with Postgres and Redis, ended by SIGTERM in the midst of five hundred answers. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from '../harness/postgres.ts'
import { run, startServer } from '../harness/process.ts'
import { redis } from '../harness/redis.ts'
import { until } from '../harness/until.ts'
import { endsOf, formats, observe, requestOf, textIn } from '../plugins/llm-chat/fault-matrix.ts'
import type { Format, Observed } from '../plugins/llm-chat/fault-matrix.ts'
import { inTime, patienceMs } from '../plugins/llm-chat/in-time.ts'
import { parse, resume } from '../plugins/llm-chat/kept-reading.ts'
import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'
import { rounds, wideLimits } from '../plugins/llm-chat/server.ts'
import { answerOf, FaultUpstream, wish } from '../plugins/llm-chat/upstream.ts'

const streams = rounds(500)
const wave = 125
const drainMs = 5_000
/** What a usual grace of 30 s leaves after the usual drain of 20. */
const afterDrainMs = 10_000

const { url: database } = await postgres()
const { url: redisUrl, prefix } = await redis()
const upstream = await new FaultUpstream().start()
const model = { baseUrl: upstream.url, model: 'm' }
const manifest = JSON.stringify({
  server: {
    port: 0,
    operations: '127.0.0.1:0',
    dataDir: '${DATA_DIR}',
    drain: `${drainMs}ms`,
    limits: { streams: 10_000, inFlight: 10_000, eventLoopLag: '30s' },
  },
  plugins: {
    // Hundreds wait for its connections; on a busy machine longer than a request would.
    database: { config: { url: database, deadlines: { poolWait: '30s' } } },
    redis: { config: { url: redisUrl, keyPrefix: prefix } },
    auth: {
      config: {
        secret: 'a-key-of-this-test-alone-0123456789abcdef',
        limits: { chat: { user: 1_000_000 } },
      },
    },
    'llm-chat': { config: { ...model, limits: wideLimits } },
  },
})
const server = await startServer({ manifest })
const { stdout } = await run(['token', '--sub', 'alice'], { manifest, home: server.home })
const authorization = `Bearer ${stdout.trim()}`
/** It has a slot for alice only when nobody else holds one. */
const other = await serveOnRedis(
  redisUrl,
  prefix,
  { ...model, limits: { concurrent: 1 } },
  database,
)
test.after(async () => {
  await other.stop()
  await upstream.stop()
})

/** Longer than any of them gets. */
const long = answerOf(1_000)

interface Asked {
  readonly format: Format
  readonly id: string
  /** All of it, when it has ended. */
  readonly heard: Promise<Observed>
}

async function ask(format: Format): Promise<Asked> {
  const { path, body, accept } = requestOf(format, wish({ tokens: 1_000_000, delayMs: 500 }))
  const headers = { authorization, accept, 'content-type': 'application/json' }
  const asked = { method: 'POST', headers, body: JSON.stringify(body) }
  const reply = await fetch(`${server.url}${path}`, asked)
  if (reply.status !== 200) assert.unreachable(await reply.text())
  const id = String(reply.headers.get('x-stream-id'))
  return { format, id, heard: observe(Promise.resolve(reply)) }
}

/** All of them have had their first word. */
async function askAll(): Promise<readonly Asked[]> {
  const all = Array.from({ length: streams }, (_, index) => formats[index % formats.length])
  const asked: Asked[] = []
  while (asked.length < streams) {
    const next = all.slice(asked.length, asked.length + wave)
    asked.push(...(await Promise.all(next.map((format) => ask(format ?? 'text')))))
  }
  return asked
}

async function connected(): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

const isRefused = () =>
  connected().then(
    (socket) => {
      socket.destroy()
      return false
    },
    (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
  )

/** A question whose second half is still to come. */
async function askHalf() {
  const body = JSON.stringify({ query: wish({ tokens: 2 }) })
  const socket = await connected()
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const reply = once(socket, 'close').then(() => text)
  const head = [
    'POST /chat HTTP/1.1',
    'Host: localhost',
    `Authorization: ${authorization}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 9)}`)
  return { reply, finish: () => socket.write(body.slice(9)) }
}

const isUnready = async () => (await fetch(`${server.operationsUrl}/readyz`)).status === 503

/** Sends the signal, and knocks while it drains. */
async function end(asked: readonly Asked[]) {
  const half = await askHalf()
  const begunAt = performance.now()
  server.signal('SIGTERM')
  const ended = server.ended().then(({ code }) => ({ code, tookMs: performance.now() - begunAt }))
  let isDraining = true
  const heard = asked.map(async ({ heard: all, ...one }) => {
    const seen = await all
    isDraining = false
    return { ...one, seen }
  })
  await until(isUnready)
  await until(isRefused)
  half.finish()
  const late = await half.reply
  const wasDraining = isDraining
  return { late, wasDraining, answers: await Promise.all(heard), ...(await ended) }
}

const asked = await inTime(`the first words of ${streams} answers`, askAll(), 3 * patienceMs)
const { late, wasDraining, answers, code, tookMs } = await inTime('the end of all', end(asked))
console.log(`${answers.length} answers, drain ${drainMs} ms, ended after ${Math.round(tookMs)} ms`)

test('the process ends by itself when its drain is over, and with 0', () => {
  assert.is(code, 0)
  assert.ok(tookMs > drainMs - 50, `${tookMs} ms`)
  assert.ok(tookMs < drainMs + afterDrainMs, `${tookMs} ms`)
})

test('while it drains nobody new is let in, and who had begun to ask is answered, for the last time', () => {
  assert.ok(wasDraining, 'all of that takes less than the drain')
  assert.match(late, /^HTTP\/1\.1 200 /)
  assert.match(late, /^connection: close\r$/im)
  assert.ok(late.includes(answerOf(2)), late)
})

test('no answer ends in silence: text breaks off, events end with one error, and none with a good end', () => {
  const ends = answers.map(({ format, seen }) => {
    const { good, bad } = endsOf(format, seen)
    return `${format} ${seen.isComplete ? 'whole' : 'broken'}, ${good} good, ${bad} bad`
  })
  const wrong = answers.filter(({ format, seen }) => {
    const text = textIn(format, seen.text)
    return text === '' || !long.startsWith(text)
  })

  assert.is(answers.length, streams)
  assert.equal(
    [...new Set(ends)],
    [
      'text broken, 0 good, 0 bad',
      'sse whole, 0 good, 1 bad',
      'kept whole, 0 good, 1 bad',
      'openai whole, 0 good, 1 bad',
    ],
  )
  assert.equal(wrong, [])
})

test('the model is asked for no more words', () => until(() => upstream.active === 0))

test('each answer has one row, and nothing stays reserved', async () => {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM llm_chat_generations
     WHERE outcome = 'aborted' AND estimated AND output_tokens > 0`,
  )
  const sums = await client.query(
    `SELECT (SELECT count(*)::int FROM llm_chat_generations) AS rows,
       (SELECT sum(reserved)::int FROM llm_chat_balances) AS reserved`,
  )
  await client.end()

  const ids = answers.map(({ id }) => id)
  assert.equal(rows.map(({ id }) => id).toSorted(), ids.toSorted())
  // The late one has one too.
  assert.equal(sums.rows, [{ rows: streams + 1, reserved: 0 }])
})

test('a kept answer is read on at another instance, up to its one end', async () => {
  const kept = answers.filter(({ format }) => format === 'kept')
  const read = kept.map(async ({ id, seen }) => {
    const before = parse(seen.text)
    const rest = await resume(other, `/chat/streams/${id}`, before.ids.at(-1))
    const after = parse(rest)
    const ids = [...before.ids, ...after.ids]
    const isInOrder = ids.every((one, index) => one === index + 1)
    const isWhole = long.startsWith(before.text + after.text)
    const [why] = /"code":"\w+"/.exec(rest) ?? []
    return `${isInOrder} ${isWhole} ${after.ends.join()} ${why}`
  })

  assert.ok(kept.length > 0)
  assert.equal([...new Set(await Promise.all(read))], ['true true error "code":"server_shutdown"'])
})

test('all slots are free', async () => {
  assert.is((await other.post('/chat', { query: wish({ tokens: 1 }) })).status, 200)
})

test.run()
