import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { until } from '../harness/until.ts'
import { formats, observe, requestOf, verdict, wishes } from '../plugins/llm-chat/fault-matrix.ts'
import { rounds, serve } from '../plugins/llm-chat/server.ts'
import type { Format } from '../plugins/llm-chat/fault-matrix.ts'
import { FaultUpstream, wish } from '../plugins/llm-chat/upstream.ts'
import type { Wish } from '../plugins/llm-chat/upstream.ts'

const lanes = 25
/** A soak of minutes may share its machine: there a pause of its own must not look like the model's. */
const patience = rounds(1) > 1 ? 4 : 1
const rejections: unknown[] = []
process.on('unhandledRejection', (reason) => rejections.push(reason))

const upstream = await new FaultUpstream().start()
const target = { targets: [{ model: 'm', baseUrl: upstream.url }], maxOutputTokens: 64 }
const app = await serve({
  models: Object.fromEntries(Array.from({ length: lanes }, (_, lane) => [`lane${lane}`, target])),
  timeouts: {
    firstToken: `${3 * patience}s`,
    idle: '2s',
    total: `${20 * patience}s`,
    headers: `${10 * patience}s`,
  },
  resume: { keep: '5s' },
})

test.after(async () => {
  await app.stop()
  await upstream.stop()
})

test('every stream ends once, and says how, whatever the model does', async () => {
  const wrong: string[] = []
  const one = async (lane: number, asked: Wish, format: Format) => {
    const { path, body, accept } = requestOf(format, wish(asked))
    const seen = await observe(app.post(path, { ...body, model: `lane${lane}` }, { accept }))
    const fault = verdict(format, asked, seen)
    if (fault !== undefined) wrong.push(fault)
  }
  let next = 0
  const total = rounds(250)
  const run = async (lane: number) => {
    for (let index = next++; index < total; index = next++) {
      const format = formats[Math.floor(index / wishes.length) % formats.length] ?? 'text'
      await one(lane, wishes[index % wishes.length] ?? {}, format)
      // The same model answers well at once: a breaker that opened would hide the faults behind it.
      await one(lane, { tokens: 5 }, format)
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)))

  assert.equal(wrong, [])
  assert.equal(rejections, [])
})

test('afterwards nothing is left running, neither here nor upstream', async () => {
  await until(() => upstream.active === 0)

  const usage = (await (await app.get('/chat/usage')).json()) as {
    inFlight: number
    reserved: number
  }

  assert.is(usage.inFlight, 0)
  assert.is(usage.reserved, 0)
})

test.run()
