import { setTimeout as sleep } from 'node:timers/promises'

import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import { Silence } from '../../../plugins/llm-chat/silence.ts'

const test = suite('silence')
const ms = 60

/** How long each call came after the last touch. */
function watched() {
  const calls: number[] = []
  let touchedAt = 0
  let heard = () => {}
  const silence = new Silence(ms, () => {
    calls.push(performance.now() - touchedAt)
    heard()
  })
  const touch = () => {
    touchedAt = performance.now()
    silence.touch()
  }
  const call = () => new Promise<void>((resolve) => (heard = resolve))
  return { silence, calls, touch, call }
}

test('a silence is counted from the last touch, not from the first', async () => {
  const { calls, touch, call } = watched()
  touch()
  await sleep(ms / 2)
  const called = call()
  if (calls.length === 0) touch()
  await called
  assert.ok((calls.at(-1) ?? 0) >= ms - 1, `called after ${calls.at(-1)} ms`)
})

test('one silence is one call, and the next touch begins another', async () => {
  const { calls, touch, call } = watched()
  const first = call()
  touch()
  await first
  await sleep(2 * ms)
  assert.is(calls.length, 1)
  const second = call()
  touch()
  await second
  assert.is(calls.length, 2)
})

test('what is cleared does not call', async () => {
  const { silence, calls, touch } = watched()
  touch()
  silence.clear()
  await sleep(2 * ms)
  assert.is(calls.length, 0)
})

test.run()
