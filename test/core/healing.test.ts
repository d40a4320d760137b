import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Healing } from '../../core/healing.ts'
import { until } from '../harness/until.ts'

/** What it waits, try by try; nobody waits in truth. */
function waits(tries: number, random: () => number): readonly number[] {
  const real = globalThis.setTimeout
  const asked: number[] = []
  globalThis.setTimeout = ((_attempt: () => void, ms: number) => void asked.push(ms)) as never
  try {
    const healing = new Healing(random, () => undefined)
    for (let i = 0; i < tries; i += 1) healing.again()
  } finally {
    globalThis.setTimeout = real
  }
  return asked
}

test('it tries again after a second at least, twice as late each time, and after a minute at most', () => {
  const soonest = waits(9, () => 0)
  const latest = waits(2_000, () => 1 - Number.EPSILON).map(Math.round)

  assert.equal(soonest, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
  assert.equal(latest.slice(0, 7), [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  assert.is(latest.at(-1), 60_000)
})

test('instances that lost the same database do not come back at the same moment', () => {
  const many = Array.from({ length: 50 }, (_, index) => waits(6, () => index / 50).at(-1) ?? 0)

  assert.is(new Set(many).size, 50)
  assert.ok(Math.max(...many) - Math.min(...many) > 25_000)
})

test('what healed begins with a second again', async () => {
  let tries = 0
  const healing = new Healing(
    () => 0,
    () => void (tries += 1),
  )
  for (let i = 0; i < 10; i += 1) healing.again()
  healing.end()
  const begun = performance.now()
  healing.again()
  await until(() => tries > 0)
  healing.close()

  assert.ok(performance.now() - begun < 15_000)
  assert.is(tries, 1)
})

test('a try that is due is not tried besides, and none after the close', async () => {
  let tries = 0
  const healing = new Healing(
    () => 0,
    () => void (tries += 1),
  )
  healing.again()
  healing.close()
  healing.again()
  await new Promise((resolve) => setTimeout(resolve, 1_200))

  assert.is(tries, 0)
})

test.run()
