import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { timed } from './stopwatch.ts'
import { until } from './until.ts'

function standStill(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('waiting counts', async () => {
  // The best of some: the machine may have other work.
  await until(async () => (await timed(() => sleep(300))).ms > 250)
})

test('standing still does not count, whenever it comes', async () => {
  const { ms, wallMs } = await timed(async () => {
    standStill(300)
    await sleep(50)
    standStill(300)
    await sleep(50)
    standStill(300)
  })

  assert.ok(wallMs >= 995, `${wallMs} ms`)
  assert.ok(ms < wallMs - 800, `${ms} of ${wallMs} ms`)
})

test('what the work resolves to is passed on, and so is its error', async () => {
  const { value } = await timed(() => 'made')
  const failed = await timed(() => Promise.reject(new Error('no'))).catch((error: Error) => error)

  assert.is(value, 'made')
  assert.is((failed as Error).message, 'no')
})

test.run()
