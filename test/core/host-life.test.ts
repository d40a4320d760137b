/** Boots that come twice, fail, hang or are late. */
import { setTimeout as sleep } from 'node:timers/promises'

import { definePlugin, service } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { StartFailed } from '../../core/transition.ts'
import { startApp } from '../../core/start-app.ts'
import { createLog } from '../../core/log.ts'
import { until } from '../harness/until.ts'
import {
  about,
  hostOf,
  get,
  planOf,
  Pool,
  pool,
  reader,
  refusal,
  type Entry,
} from './host-fixture.ts'
import { gate, listening, nothingIsLeftOf, telling } from './host-probes.ts'

test('a hundred boots at once are one: each plugin is started once, each address listened on once', async () => {
  const told: string[] = []
  const { host } = hostOf(planOf([{ plugin: telling('a', told) }]))

  const reports = await Promise.all(Array.from({ length: 100 }, () => host.boot()))

  assert.equal(told, ['start a', 'activate a'])
  assert.is(new Set(reports).size, 1)
  assert.is(listening(), 2)
  await host.close()
  await nothingIsLeftOf('TCPServerWrap')
})

test('two plugins of one name in an application are refused', async () => {
  const log = createLog({ level: 'silent', pretty: false })
  const twice = [telling('a', []), telling('a', [])]

  const error = await refusal(startApp(twice, { log }))

  assert.match(error.message, "two plugins are named 'a'")
})

for (const [what, thrown, said] of [
  ['text', 'no disk', 'no disk'],
  ['nothing', undefined, 'undefined'],
  ['an object', { disk: false }, '[object Object]'],
] as const)
  test(`a start that rejects with ${what} is a failure of that plugin like any other`, async () => {
    const told: string[] = []
    const careless = {
      ...telling('careless', told),
      start: () => Promise.reject(thrown as unknown as Error),
    }
    const { host } = hostOf(planOf([{ plugin: careless }]))

    const error = (await refusal(host.boot())) as StartFailed

    assert.is(error.message, `careless: ${said}`)
    assert.is(error.failures[0]?.error, thrown)
    assert.equal(told, ['stop careless'])
    await nothingIsLeftOf('TCPServerWrap')
  })

test('a start that throws before its first await is a failure like any other', async () => {
  const sudden = definePlugin({
    name: 'sudden',
    ...about,
    start: () => {
      throw new Error('at once')
    },
  })
  const { host } = hostOf(planOf([{ plugin: sudden }]))

  assert.is((await refusal(host.boot())).message, 'sudden: at once')
})

test('the dependants of what failed are not started, and those beside it are stopped again', async () => {
  const told: string[] = []
  const broken = { ...pool, start: () => Promise.reject(new Error('no disk')) }
  const dependant = definePlugin({
    ...hooksOf('dependant', told),
    requires: { pool: Pool },
  })
  const plan = planOf([
    { plugin: broken },
    { plugin: telling('beside', told) },
    { plugin: dependant },
  ])

  await refusal(hostOf(plan).host.boot())

  assert.equal(told, ['start beside', 'stop beside'])
})

test('neither are those of one that may fail', async () => {
  const told: string[] = []
  const broken = { ...pool, start: () => Promise.reject(new Error('no disk')) }
  const dependant = definePlugin({ ...hooksOf('dependant', told), requires: { pool: Pool } })
  const { host } = hostOf(
    planOf([
      { plugin: broken, critical: false },
      { plugin: telling('beside', told) },
      { plugin: dependant },
    ]),
  )

  const { unavailable } = await host.boot()
  await host.close()

  assert.equal(
    unavailable.map(({ plugin }) => plugin),
    ['pool', 'dependant'],
  )
  assert.equal(told, ['start beside', 'activate beside', 'deactivate beside', 'stop beside'])
})

const hooksOf = (name: string, told: string[]) => ({
  name,
  ...about,
  start: () => void told.push(`start ${name}`),
  stop: () => void told.push(`stop ${name}`),
})

test('a stop that fails after a late start is told, and ends nothing', async () => {
  const told: string[] = []
  const starting = gate()
  const late = {
    ...telling('late', told, starting.opened),
    startTimeoutMs: 20,
    stop: async () => {
      told.push('stop late')
      throw new Error('cannot even stop')
    },
  }
  const { host, lines } = hostOf(planOf([{ plugin: late }]))
  await refusal(host.boot())

  starting.open()
  const failures = () => lines.filter((line) => line.includes('cannot even stop'))
  await until(() => failures().length === 2)

  assert.equal(told, ['start late', 'stop late', 'stop late'])
})

test('the first cause is told, with those that failed beside it, whatever fails on the way back', async () => {
  const hasFailed = gate()
  const failing = (name: string, start: () => Promise<void>) => ({
    ...telling(name, []),
    start: async () => {
      await start()
      throw new Error(`${name} cannot`)
    },
    stop: () => Promise.reject(new Error(`${name} cannot even stop`)),
  })
  const late = failing('late', async () => {
    await hasFailed.opened
    await sleep(20)
  })
  const first = failing('first', async () => hasFailed.open())
  const entries = [{ plugin: late }, { plugin: first }]
  const { host } = hostOf(planOf(entries))

  const error = (await refusal(host.boot())) as StartFailed

  assert.is(error.message, 'first: first cannot\nlate: late cannot')
  assert.is((error.cause as Error).message, 'first cannot')
})

const Deep = service('deep').of<object>()
const hangingAt = ['pool', 'beside', 'deep', 'top', 'reader'] as const
for (const name of hangingAt)
  test(`when '${name}' hangs among others, its time-out names it and nobody else`, async () => {
    const deep = definePlugin({
      name: 'deep',
      ...about,
      requires: { pool: Pool },
      provides: { deep: Deep },
      services: { deep: () => ({}) },
    })
    const top = definePlugin({ name: 'top', ...about, requires: { deep: Deep } })
    const plugins = [pool, telling('beside', []), deep, top, reader]
    const hangs = { startTimeoutMs: 60, start: () => new Promise(() => undefined) }
    const entries = plugins.map((plugin): Entry => ({
      plugin: (plugin.name === name ? { ...plugin, ...hangs } : plugin) as Entry['plugin'],
    }))

    const error = (await refusal(hostOf(planOf(entries)).host.boot())) as StartFailed

    assert.is(error.message, `${name}: plugin '${name}' did not start within 60 ms`)
    assert.equal(
      error.failures.map(({ plugin }) => plugin),
      [name],
    )
  })

test('each start is told as it goes: begun, ended, failed', async () => {
  const steps: string[] = []
  const failing = { ...telling('failing', []), start: () => Promise.reject(new Error('no disk')) }
  const { host } = hostOf(
    planOf([{ plugin: pool }, { plugin: reader }, { plugin: failing, critical: false }]),
    {
      progress: ({ plugin, step, error }) =>
        steps.push([plugin, step, error ?? ''].join(' ').trim()),
    },
  )

  await host.boot()
  await host.close()

  assert.equal(steps.toSorted(), [
    ...['failing failed no disk', 'failing starting', 'pool started', 'pool starting'],
    ...['reader started', 'reader starting'],
  ])
  assert.ok(steps.indexOf('pool started') < steps.indexOf('reader starting'))
})

test('routes and reports stand in the order of the plan, whichever start ended first', async () => {
  const slow = (name: string, ms: number): Entry => ({
    plugin: definePlugin({
      name,
      ...about,
      start: () => sleep(ms),
      routes: ({ route }) => [route({ ...get, path: `/${name}`, handler: () => name })],
    }),
  })
  const entries = [slow('a', 30), slow('b', 15), slow('c', 0)]
  const { host } = hostOf(planOf(entries))
  await host.boot()

  const own = host.app.routes().filter(({ plugin }) => plugin !== 'core')

  assert.equal(
    own.map(({ plugin }) => plugin),
    ['a', 'b', 'c'],
  )
})

test.run()
