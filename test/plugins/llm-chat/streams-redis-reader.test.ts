/** A reader beside a Redis that answers only now and then. */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { readFar } from '../../../plugins/llm-chat/streams-redis-reader.ts'
import { inTime } from './in-time.ts'

const key = 'x'
const keys = { id: key, bell: key, events: key, owner: key, alive: key, stop: key, reader: key }

/** Every second look fails; `beat` is the producer's sign of life. */
function reading(beat: () => string | null) {
  let looks = 0
  const looked = () => looks
  const redis = {
    get: async () => {
      if ((looks += 1) % 2 === 1) throw new Error('Command timed out')
      return beat()
    },
    set: async () => 'OK',
    xrange: async () => [],
    xrevrange: async () => [],
  } as unknown as Redis
  const read = async (signal: AbortSignal): Promise<unknown> => {
    const rung = () => sleep(5)
    const ask = async () => 0
    const salvage = async () => undefined
    const from = { redis: () => redis, keys, signal, rung, ask, salvage, outageMs: 300 }
    try {
      for await (const events of readFar(from, 0)) return events
    } catch (error) {
      return (error as { code: string }).code
    }
    return 'left'
  }
  return { read, looked }
}

test('a Redis that answers now and then keeps nobody waiting for a producer that is dead', async () => {
  const { read } = reading(() => null)

  const end = await inTime('the end', read(new AbortController().signal))

  assert.is(end, 'stream_store_unavailable')
})

test('a producer that lives is waited for, however often its Redis fails', async () => {
  let beats = 0
  const { read, looked } = reading(() => String((beats += 1)))
  const leave = new AbortController()
  const ended = read(leave.signal)
  // Far longer than an outage may be.
  const until = performance.now() + 1_500
  while (performance.now() < until && looked() < 300) await sleep(5)
  leave.abort()

  assert.is(await inTime('the end', ended), 'left')
})

test.run()
