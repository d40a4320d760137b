/** Ends that come twice, too early, or while something is under way. */
import { definePlugin } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Handover } from '../../core/host-handover.ts'
import { Instance } from '../../core/instance.ts'
import { createLog } from '../../core/log.ts'
import { until } from '../harness/until.ts'
import { about, hostOf, planOf, refusal } from './host-fixture.ts'
import { gate, nothingIsLeftOf, telling } from './host-probes.ts'

test('closed before it was booted, it has nothing to do, and starts nothing afterwards', async () => {
  const told: string[] = []
  const { host } = hostOf(planOf([{ plugin: telling('a', told) }]))

  await host.close()
  const error = await refusal(host.boot())

  assert.is((error as { code?: string }).code, 'server_draining')
  assert.equal(told, [])
  await nothingIsLeftOf('TCPServerWrap')
})

test('closed twice, it is closed once, and both wait for the end', async () => {
  const told: string[] = []
  const stopping = gate()
  const slow = {
    ...telling('a', told),
    stop: async () => {
      await stopping.opened
      told.push('stopped')
    },
  }
  const { host } = hostOf(planOf([{ plugin: slow }]))
  await host.boot()

  const ends = [host.close(), host.close(), host[Symbol.asyncDispose]()].map((end) =>
    end.then(() => told.push('closed')),
  )
  await until(() => told.includes('deactivate a'))
  const beforeTheEnd = [...told]
  stopping.open()
  await Promise.all(ends)

  assert.equal(beforeTheEnd, ['start a', 'activate a', 'deactivate a'])
  assert.equal(told, [...beforeTheEnd, 'stopped', 'closed', 'closed', 'closed'])
})

test('closed while it starts, it stops what started, serves nothing, and the boot says why', async () => {
  const told: string[] = []
  const starting = gate()
  const { host } = hostOf(planOf([{ plugin: telling('slow', told, starting.opened) }]))
  const boot = refusal(host.boot())
  await until(() => told.length > 0)

  const closed = host.close()
  starting.open()
  await closed

  assert.is(((await boot) as { code?: string }).code, 'server_draining')
  assert.equal(told, ['start slow', 'stop slow'])
  await nothingIsLeftOf('TCPServerWrap')
})

test('closed while a start outlasts the drain, it does not wait, and what starts late is stopped', async () => {
  const told: string[] = []
  const starting = gate()
  const plan = planOf([{ plugin: telling('slow', told, starting.opened) }], { drain: '20ms' })
  const { host } = hostOf(plan)
  const boot = refusal(host.boot())
  await until(() => told.length > 0)

  await host.close()
  const afterClose = [...told]
  starting.open()
  await boot

  assert.equal(afterClose, ['start slow'])
  assert.equal(told, ['start slow', 'stop slow'])
})

test('while it drains a reload is refused before anything is started', async () => {
  const told: string[] = []
  const stopping = gate()
  const slow = { ...telling('a', told), stop: () => stopping.opened }
  const { host, plans } = hostOf(planOf([{ plugin: slow }]))
  await host.boot()
  const closed = host.close()

  plans.next = planOf([{ plugin: slow, config: { n: 1 } }])
  const error = await refusal(host.reload())
  stopping.open()
  await closed

  assert.is((error as { code?: string }).code, 'server_draining')
  assert.is(told.filter((line) => line === 'start a').length, 1)
})

test('closed while it heals, it tries no more: no timer is left, and nothing starts', async () => {
  const told: string[] = []
  const flaky = { ...telling('flaky', told), start: () => Promise.reject(new Error('no disk')) }
  const healing = gate()
  const slow = definePlugin({
    name: 'flaky-too',
    ...about,
    start: async () => {
      told.push('start flaky-too')
      if (told.length === 1) throw new Error('no disk')
      await healing.opened
    },
  })
  // A wait of half of the first second.
  const random = { float: () => 0, bytes: (n: number) => Buffer.alloc(n), uuid: () => 'x' }
  const entries = [
    { plugin: slow, critical: false },
    { plugin: flaky, critical: false },
  ]
  const { host } = hostOf(planOf(entries, { drain: '20ms' }), { random })
  await host.boot()
  await until(() => told.filter((line) => line === 'start flaky-too').length === 2)

  await host.close()
  healing.open()
  await nothingIsLeftOf('Timeout')

  assert.is(told.filter((line) => line === 'start flaky-too').length, 2)
})

test('an activate and a deactivate that never end are named, and hold up nobody', async () => {
  const told: string[] = []
  const failures: string[] = []
  const hangs = () => new Promise<void>(() => undefined)
  const started = async (part: object, needs: readonly Instance[] = []) => {
    const plugin = { ...telling(`p${needs.length}`, told), ...part } as never
    const instance = new Instance({ ...made, plugin, needs })
    await instance.start(1_000, async () => undefined)
    return instance
  }
  const handover = new Handover((plugin, hook, error) => {
    failures.push(`${plugin} ${hook}: ${(error as Error).message}`)
  }, 20)
  const below = await started({ deactivate: hangs })
  const above = await started({ activate: hangs }, [below])

  await handover.hand([], [below, above], 1_000)
  await handover.hand([below, above], [], 1_000)
  await handover.retired()

  assert.equal(failures, [
    "p1 job: activate of plugin 'p1' did not end within 20 ms; it was left behind",
    "p0 job: deactivate of plugin 'p0' did not end within 20 ms; it was left behind",
  ])
  assert.equal(told.slice(-3), ['deactivate p1', 'stop p1', 'stop p0'])
})

const made = {
  config: { n: 0 },
  key: 'key',
  provide: () => ({}),
  log: createLog({ level: 'silent', pretty: false }),
  now: () => 0,
}

test.run()
