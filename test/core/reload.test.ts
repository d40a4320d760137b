import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { definePlugin } from '../../core/plugin.ts'
import { until } from '../harness/until.ts'
import {
  about,
  booted,
  both,
  get,
  planOf,
  pool,
  reader,
  refusal,
  type Entry,
  type hostOf,
} from './host-fixture.ts'

test('a reload without a change changes nothing', async () => {
  const { host } = await booted(both(1))

  const report = await host.reload()

  assert.is(report.changed, false)
  assert.is(report.generation, 1)
})

test('only the changed plugin and its dependants are built anew', async () => {
  const { host, plans, read, stateOf } = await booted(both(1, 1))
  const before = stateOf('pool')?.key

  plans.next = planOf(both(1, 2))
  const leaf = await host.reload()
  const after = await read()
  plans.next = planOf(both(2, 2))
  const root = await host.reload()

  assert.equal([leaf.started, leaf.kept, leaf.retired], [['reader'], ['pool'], ['reader']])
  assert.is(stateOf('pool')?.key === before, false)
  assert.equal(after.body, { before: 'pool 1', after: 'pool 1', reader: 2 })
  assert.equal(root.started.toSorted(), ['pool', 'reader'])
  assert.is((await read()).body['before'], 'pool 2')
})

test('a request in flight keeps the pool that it began with', async () => {
  const { host, plans, read, holding } = await booted(both(1))
  const slow = await holding('slow')

  plans.next = planOf(both(2))
  await host.reload()

  assert.equal((await slow.end()).body, { before: 'pool 1', after: 'pool 1', reader: 0 })
  assert.is((await read()).body['after'], 'pool 2')
})

test('a stream on an unchanged plugin is not cut, one on a replaced plugin goes on to its own end', async () => {
  const other = (n: number): Entry => ({
    plugin: { ...pool, name: 'other', provides: {}, services: {} },
    config: { n },
  })
  const { host, plans } = await booted([...both(1), other(1)])
  const stream = await fetch(`${host.addresses.public}/stream?n=30`)

  plans.next = planOf([...both(1), other(2)])
  const first = await host.reload()
  plans.next = planOf([...both(2), other(2)])
  await host.reload()
  const text = await stream.text()

  assert.equal(first.started, ['other'])
  assert.is(text.trim().split('\n').length, 30)
  assert.ok(text.includes('29 pool 1'))
})

test('a retired plugin is stopped after its last request, dependants first', async () => {
  const told: string[] = []
  const telling = (plugin: typeof pool | typeof reader) => ({
    ...plugin,
    deactivate: () => void told.push(`deactivate ${plugin.name}`),
    stop: () => void told.push(`stop ${plugin.name}`),
  })
  const entries = (n: number): readonly Entry[] => [
    { plugin: telling(pool), config: { n } },
    { plugin: telling(reader) },
  ]
  const { host, plans, holding } = await booted(entries(1))
  const slow = await holding('slow')

  plans.next = planOf(entries(2))
  await host.reload()
  const whileInFlight = [...told]
  await slow.end()
  await until(() => told.length === 4)

  assert.equal(whileInFlight, ['deactivate reader', 'deactivate pool'])
  assert.equal(told, [...whileInFlight, 'stop reader', 'stop pool'])
})

test('the old one is deactivated before the new one is activated', async () => {
  const told: string[] = []
  const worker = (n: number): Entry => ({
    plugin: definePlugin({
      name: 'worker',
      ...about,
      activate: ({ config }) => void told.push(`activate ${config.n}`),
      deactivate: ({ config }) => void told.push(`deactivate ${config.n}`),
    }),
    config: { n },
  })
  const { host, plans } = await booted([worker(1)])

  plans.next = planOf([worker(2)])
  await host.reload()

  assert.equal(told, ['activate 1', 'deactivate 1', 'activate 2'])
})

test('a plugin whose code cannot be built is not taken over; the old one goes on', async () => {
  const { host, plans, read, stateOf } = await booted(both(1))
  const key = stateOf('pool')?.key
  const broken = {
    ...pool,
    services: {
      pool: () => {
        throw new Error('bad wiring')
      },
    },
  }

  plans.next = planOf([{ plugin: broken, config: { n: 2 } }, { plugin: reader }])
  const error = await refusal(host.reload())

  assert.match(error.message, 'bad wiring')
  assert.is(stateOf('pool')?.key, key)
  assert.equal((await read()).body, { before: 'pool 1', after: 'pool 1', reader: 0 })
})

test('a port in use rejects the reload; a free one is opened before the old one closes', async () => {
  const { host, plans, read } = await booted(both(1))
  const taken = Number(new URL(host.addresses.operations).port)
  const before = host.addresses.public

  plans.next = planOf(both(2), { port: taken })
  const error = await refusal(host.reload())
  const still = await read()
  plans.next = planOf(both(2), { host: 'localhost' })
  await host.reload()

  assert.match(error.message, 'cannot listen')
  assert.is(still.body['after'], 'pool 1')
  assert.is.not(host.addresses.public, before)
  assert.is((await read()).body['after'], 'pool 2')
})

test('a reload guarded by another hash is refused', async () => {
  const { host, plans } = await booted(both(1))
  plans.next = planOf(both(2))

  const error = await refusal(host.reload('stale'))

  assert.is((error as { status?: number }).status, 412)
  const report = await host.reload(host.hash)
  assert.is(report.changed, true)
})

test('reloads that ask while one waits share its result', async () => {
  const { host, plans } = await booted(both(1))
  plans.next = planOf(both(2))

  const reports = await Promise.all(Array.from({ length: 100 }, () => host.reload()))

  assert.is(new Set(reports).size, 1)
  assert.is(host.plugins().length, 2)
})

test('a reload may be asked for by a request of the plugin that it replaces', async () => {
  const made = { host: undefined as ReturnType<typeof hostOf>['host'] | undefined }
  const self = (n: number): Entry => ({
    plugin: definePlugin({
      name: 'self',
      ...about,
      routes: ({ route }) => [
        route({
          ...get,
          path: '/self',
          handler: async ({ config }) => ({ was: config.n, report: await made.host?.reload() }),
        }),
      ],
    }),
    config: { n },
  })
  const { host, plans } = await booted([self(1)])
  made.host = host
  plans.next = planOf([self(2)])

  const answer = await fetch(`${host.addresses.public}/self`)

  const body = (await answer.json()) as { was: number; report: { started: string[] } }
  assert.is(body.was, 1)
  assert.equal(body.report.started, ['self'])
})

test('a plugin that is not critical may fail: its routes answer 503, dependants with it, the rest serves', async () => {
  const broken = { ...pool, start: () => Promise.reject(new Error('no disk')) }
  const alone = definePlugin({
    name: 'alone',
    ...about,
    routes: ({ route }) => [
      route({
        ...get,
        path: '/alone',
        handler: () => ({ ok: true }),
      }),
    ],
  })
  const { host, read, stateOf } = await booted([
    { plugin: broken, critical: false },
    { plugin: reader },
    { plugin: alone },
  ])

  const refused = await fetch(`${host.addresses.public}/read`)
  const served = await fetch(`${host.addresses.public}/alone`)
  const ready = await fetch(`${host.addresses.public}/readyz`)

  assert.is(refused.status, 503)
  assert.is(((await refused.json()) as { code: string }).code, 'plugin_unavailable')
  assert.ok(refused.headers.has('retry-after'))
  assert.is(served.status, 200)
  assert.equal(await ready.json(), { status: 'degraded' })
  assert.is(stateOf('pool')?.state, 'unavailable')
  assert.match(String(stateOf('reader')?.lastError), "needs 'pool'")
  assert.is((await read()).status, 503)
})

test('what failed is tried again and joins by itself, its dependants with it', async () => {
  const disk = { isThere: false }
  const flaky = {
    ...pool,
    start: async () => {
      if (!disk.isThere) throw new Error('no disk')
    },
  }
  const { host, read, stateOf } = await booted([
    { plugin: flaky, critical: false },
    { plugin: reader },
  ])

  disk.isThere = true
  await until(() => stateOf('reader')?.state === 'running')

  assert.is((await read()).status, 200)
  assert.is(host.plugins().filter(({ state }) => state === 'running').length, 2)
})

test.run()
