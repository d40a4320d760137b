/** What a balancer asks all the time, and what is told of it. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { definePlugin, type Health } from '../../core/plugin.ts'
import { systemClock } from '../../core/provide.ts'
import { about, hostOf, planOf } from './host-fixture.ts'

test('a failing check is told once when it begins and once when it ends, however often it is asked', async () => {
  let now = 0
  let health: Health = { status: 'pass' }
  const store = definePlugin({
    name: 'store',
    ...about,
    health: { required: false, checks: { disk: () => health } },
  })
  const clock = { ...systemClock, monotonic: () => now }
  const { host, lines } = hostOf(planOf([{ plugin: store }]), { clock })
  await host.boot()
  const ask = async (times: number) => {
    for (let n = 0; n < times; n += 1) {
      now += 2_000
      await host.readiness()
    }
    return (await host.readiness()).status
  }
  const told = (words: string) => lines.filter((line) => line.includes(words)).length

  const before = await ask(3)
  health = { status: 'fail', detail: 'the disk is full' }
  const during = await ask(5)
  const [failures, details] = [told('plugin failed in health'), told('disk: the disk is full')]
  health = { status: 'pass' }
  const after = await ask(3)
  health = { status: 'fail' }
  await ask(2)

  assert.equal([before, during, after], ['ready', 'degraded', 'ready'])
  assert.equal([failures, details], [1, 1])
  assert.is(told('plugin is well again'), 1)
  assert.is(told('plugin failed in health'), 2)
})

test.run()
