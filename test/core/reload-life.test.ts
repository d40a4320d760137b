/** Reloads that come while others are under way, and below streams that stay open. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { definePlugin, reply } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { CoreEvents } from '../../core/core-events.ts'
import { until } from '../harness/until.ts'
import { about, booted, both, get, planOf, Pool, pool, reader, type Entry } from './host-fixture.ts'
import { gate } from './host-probes.ts'

/** Tells which of its configs is stopped, and how often it was started. */
function pools(told: string[], starting: Promise<unknown> = Promise.resolve()) {
  const plugin = {
    ...pool,
    start: async ({ config }: { config: { n: number } }) => {
      told.push(`start ${config.n}`)
      if (config.n > 1) await starting
    },
    activate: ({ config }: { config: { n: number } }) => void told.push(`activate ${config.n}`),
    stop: ({ config }: { config: { n: number } }) => void told.push(`stop ${config.n}`),
  }
  return (n: number): readonly Entry[] => [
    { plugin: plugin as unknown as typeof pool, config: { n } },
    { plugin: reader },
  ]
}

test('until the new one is ready, the old one answers', async () => {
  const told: string[] = []
  const starting = gate()
  const entries = pools(told, starting.opened)
  const { host, plans, read } = await booted(entries(1))
  plans.next = planOf(entries(2))

  const reload = host.reload()
  await until(() => told.includes('start 2'))
  const during = await read()
  const readiness = await host.readiness()
  starting.open()
  await reload

  assert.is(during.body['after'], 'pool 1')
  assert.is(readiness.status, 'ready')
  assert.is((await read()).body['after'], 'pool 2')
})

test('whoever asks while a reload is under way gets the newest manifest, in one reload more', async () => {
  const told: string[] = []
  const starting = gate()
  const entries = pools(told, starting.opened)
  const { host, plans } = await booted(entries(1))
  plans.next = planOf(entries(2))
  const first = host.reload()
  await until(() => told.includes('start 2'))

  const waiting = [3, 4, 5].map((n) => {
    plans.next = planOf(entries(n))
    return host.reload()
  })
  starting.open()
  const reports = await Promise.all([first, ...waiting])

  assert.equal(
    reports.map(({ generation }) => generation),
    [2, 3, 3, 3],
  )
  assert.is(new Set(reports).size, 2)
  assert.equal(
    told.filter((line) => line.startsWith('start')),
    ['start 1', 'start 2', 'start 5'],
  )
})

test('a reload while the last one’s plugins retire: each lives until its own last request', async () => {
  const told: string[] = []
  const entries = pools(told)
  const { host, plans, read, holding } = await booted(entries(1))
  const first = await holding('first')
  plans.next = planOf(entries(2))
  await host.reload()
  const second = await holding('second')

  plans.next = planOf(entries(3))
  await host.reload()
  const third = await read()
  const stoppedEarly = told.filter((line) => line.startsWith('stop'))
  const later = await second.end()
  await until(() => told.includes('stop 2'))
  const afterTheSecond = told.filter((line) => line.startsWith('stop'))
  const earlier = await first.end()

  assert.equal(stoppedEarly, [])
  assert.equal(afterTheSecond, ['stop 2'])
  assert.equal(
    [earlier, later, third].map(({ body }) => body['after']),
    ['pool 1', 'pool 2', 'pool 3'],
  )
  await until(() => told.filter((line) => line.startsWith('stop')).length === 2)
})

test('to another config and back while the first still retires: it is not revived, nor is its successor touched', async () => {
  const told: string[] = []
  const entries = pools(told)
  const { host, plans, read, holding } = await booted(entries(0))
  const slow = await holding('slow')

  plans.next = planOf(entries(1))
  await host.reload()
  plans.next = planOf(entries(0))
  await host.reload()
  const back = await read()
  await until(() => told.includes('stop 1'))
  const before = await slow.end()
  await until(() => told.filter((line) => line === 'stop 0').length === 1)

  assert.is(back.body['after'], 'pool 0')
  assert.equal(before.body, { before: 'pool 0', after: 'pool 0', reader: 0 })
  assert.is((await read()).body['after'], 'pool 0')
  assert.equal(
    told.filter((line) => !line.startsWith('stop')),
    ['start 0', 'activate 0', 'start 1', 'activate 1', 'start 0', 'activate 0'],
  )
  await host.close()
  assert.is(told.filter((line) => line.startsWith('stop')).length, 3)
})

/** Says what the pool says, until it is told to end. */
const talker = (state: { readonly goesOn: boolean }) =>
  definePlugin({
    name: 'talker',
    ...about,
    requires: { pool: Pool },
    routes: ({ route }) => [
      route({
        ...get,
        path: '/talk',
        stream: { idleMs: 10_000, totalMs: 600_000 },
        handler: ({ pool: { query } }) =>
          reply(200, talk(query, state), { 'content-type': 'text/plain' }),
      }),
    ],
  })

async function* talk(query: () => string, state: { readonly goesOn: boolean }) {
  while (state.goesOn) {
    yield `${query()}\n`
    await sleep(10)
  }
  yield 'the end\n'
}

test('a change below fifty open streams cuts none of them before its own end', async () => {
  const state = { goesOn: true }
  const entries = (n: number): readonly Entry[] => [...both(n), { plugin: talker(state) }]
  const { host, plans, stateOf } = await booted(entries(1))
  const streams = await Promise.all(
    Array.from({ length: 50 }, () => fetch(`${host.addresses.public}/talk`)),
  )
  const texts = streams.map((stream) => stream.text())
  const before = stateOf('pool')?.key

  for (const n of [2, 3]) {
    plans.next = planOf(entries(n))
    await host.reload()
  }
  const openStill = host.inFlight()
  state.goesOn = false
  const heard = await Promise.all(texts)

  assert.is.not(stateOf('pool')?.key, before)
  assert.ok(openStill >= 50)
  for (const text of heard) assert.match(text, /^(pool 1\n)+the end\n$/)
})

test('fifty reloads under an open stream leave no listener and no instance over, and warn of nothing', async () => {
  const warnings: unknown[] = []
  const heard = (warning: unknown) => void warnings.push(warning)
  process.on('warning', heard)
  const listening = (n: number): Entry => ({
    plugin: definePlugin({
      name: 'listening',
      ...about,
      start: ({ events: bus }) => void bus.on(CoreEvents, 'config:reloaded', () => undefined),
    }),
    config: { n },
  })
  const { host, plans, read } = await booted([...both(1), listening(0)])
  const leaving = new AbortController()
  const { signal } = leaving
  const { body } = await fetch(`${host.addresses.public}/stream?n=100000`, { signal })

  for (let n = 1; n <= 50; n += 1) {
    plans.next = planOf([...both(1), listening(n)])
    await host.reload()
    await read()
  }
  await until(() => host.listeners === 1)
  leaving.abort()

  assert.ok(body)
  assert.equal(warnings, [])
  assert.is(host.plugins().length, 3)
  process.off('warning', heard)
})

test.run()
