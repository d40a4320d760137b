/** A plugin that may fail, what stands on it, and what the operator sees of both while it is down and after. */
import { setTimeout as sleep } from 'node:timers/promises'

import { optional, own, service } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { CoreEvents } from '../../core/core-events.ts'
import { definePlugin } from '../../core/plugin.ts'
import { systemRandom } from '../../core/provide.ts'
import { until } from '../harness/until.ts'
import { about, get, hostOf, planOf } from './host-fixture.ts'

const Disk = service('disk').of<{ read: () => string }>()
const Files = service('files').of<{ list: () => string }>()

/** `disk` ← `files` ← `pages`; `search` can do without the disk; `news` needs nobody. */
function world() {
  const reloads: string[] = []
  const state = { fault: 'no disk' as string | undefined, begun: 0, ended: 0 }
  const disk = definePlugin({
    ...about,
    name: 'disk',
    provides: { disk: Disk },
    internal: { opened: own<object>() },
    services: { disk: () => ({ read: () => 'bytes' }), opened: () => ({}) },
    start: async () => {
      state.begun += 1
      if (state.fault !== undefined) throw new Error(state.fault)
    },
    stop: () => void (state.ended += 1),
    routes: ({ route }) => [route({ ...get, path: '/disk', handler: () => ({}) })],
    operations: ({ route }) => [
      route({ ...get, path: '/admin/disk', handler: () => ({}) } as never),
    ],
  })
  const files = definePlugin({
    ...about,
    name: 'files',
    requires: { disk: Disk },
    provides: { files: Files },
    services: { files: ({ disk: { read } }) => ({ list: () => read() }) },
  })
  const pages = definePlugin({
    ...about,
    name: 'pages',
    requires: { files: Files },
    routes: ({ route }) => [
      route({
        ...get,
        path: '/pages',
        query: z.object({ ms: z.coerce.number().default(0) }),
        handler: async ({ files: { list } }, { query }) => {
          await sleep(query.ms)
          return { page: list() }
        },
      }),
    ],
  })
  const search = definePlugin({
    ...about,
    name: 'search',
    requires: { disk: optional(Disk) },
    routes: ({ route }) => [
      route({ ...get, path: '/search', handler: (s) => ({ found: s.disk?.read() ?? 'nothing' }) }),
    ],
  })
  const news = definePlugin({
    ...about,
    name: 'news',
    start: ({ events }) =>
      void events.on(CoreEvents, 'config:reloaded', ({ outcome }) => reloads.push(outcome)),
    routes: ({ route }) => [route({ ...get, path: '/news', handler: () => ({ news: 1 }) })],
  })
  const entries = [
    { plugin: disk, critical: false },
    { plugin: files },
    { plugin: pages },
    { plugin: search },
    { plugin: news },
  ]
  return { state, reloads, entries }
}

async function started() {
  const { state, reloads, entries } = world()
  // Without chance it is tried again after one second, then two.
  const { host } = hostOf(planOf(entries), { random: { ...systemRandom, float: () => 0 } })
  await host.boot()
  const ask = async (path: string, base = host.addresses.public) => {
    const response = await fetch(`${base}${path}`)
    const body = (await response.json()) as Record<string, unknown>
    return { status: response.status, headers: response.headers, body }
  }
  const operate = (path: string) => ask(path, host.addresses.operations)
  return { state, reloads, ask, operate }
}

type Report = Readonly<Record<string, unknown>>
const named = (body: Record<string, unknown>, name: string): Report =>
  (body['plugins'] as readonly Report[]).find((one) => one['name'] === name) ?? {}

test('while it is down, what stands on it answers 503 with Retry-After, on both listeners, and the rest serves', async () => {
  const { ask, operate } = await started()

  const refused = [await ask('/disk'), await ask('/pages'), await operate('/admin/disk')]

  for (const { status, headers, body } of refused) {
    assert.is(status, 503)
    assert.is(body['code'], 'plugin_unavailable')
    assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  }
  assert.equal((await ask('/search')).body, { found: 'nothing' })
  assert.equal((await ask('/news')).body, { news: 1 })
})

test('code that cannot be loaded answers 503 where its facts promise routes', async () => {
  const plan = planOf(world().entries)
  const [disk, ...rest] = plan.plugins
  if (disk === undefined) throw new Error('no disk')
  const routes = ['GET /disk', 'POST /disk/:id', 'operations GET /admin/disk']
  const load = () => Promise.reject(new Error('no such module'))
  const source = { ...disk.source, load, facts: { ...disk.source.facts, routes } }
  const { host } = hostOf({ ...plan, plugins: [{ ...disk, source }, ...rest] })
  await host.boot()
  const { public: url, operations } = host.addresses

  const replies = await Promise.all([
    fetch(`${url}/disk`),
    fetch(`${url}/disk/1`, { method: 'POST', body: 'text' }),
    fetch(`${operations}/admin/disk`),
  ])
  const missing = await fetch(`${url}/admin/disk`)

  assert.equal(
    replies.map(({ status }) => status),
    [503, 503, 503],
  )
  assert.is(missing.status, 404)
  assert.equal(host.plugins()[0]?.routes, ['GET /disk', 'POST /disk/:id', 'GET /admin/disk'])
})

test('the operator sees since when it is down, why, and what it took with it', async () => {
  const { operate } = await started()

  const [ready, all] = [await operate('/readyz?verbose'), await operate('/admin/plugins')]

  assert.is(ready.status, 200)
  assert.is(ready.body['status'], 'degraded')
  for (const { body } of [ready, all]) {
    const { since, ...disk } = named(body, 'disk')
    assert.equal(disk, {
      name: 'disk',
      version: '1.0.0',
      summary: disk['summary'],
      state: 'unavailable',
      critical: false,
      lastError: 'no disk',
      runsOn: null,
      key: null,
      inFlight: 0,
      startMs: null,
      routes: ['GET /disk', 'GET /admin/disk'],
    })
    assert.ok(Math.abs(Date.parse(String(since)) - Date.now()) < 60_000)
    assert.match(String(named(body, 'files')['lastError']), "needs 'disk'")
    assert.match(String(named(body, 'pages')['lastError']), "needs 'files'")
    assert.is(named(body, 'search')['state'], 'running')
  }
})

test('a try that fails again keeps the moment of the first, tells the newer reason, is stopped, and is no reload', async () => {
  const { state, reloads, operate } = await started()
  const before = named((await operate('/admin/plugins')).body, 'disk')

  state.fault = 'still no disk'
  await until(() => state.begun === 2)
  await until(async () => {
    const { lastError } = named((await operate('/admin/plugins')).body, 'disk')
    return lastError === 'still no disk'
  })
  const after = named((await operate('/admin/plugins')).body, 'disk')

  assert.is(after['since'], before['since'])
  assert.is(state.ended, state.begun)
  assert.equal(reloads, [])
})

test('when it can start, it joins by itself: dependants run, who did without uses it, who needs nobody is kept', async () => {
  const { state, ask, operate } = await started()
  const news = named((await operate('/admin/plugins')).body, 'news')

  state.fault = undefined
  await until(async () => (await ask('/pages')).status === 200)
  const slow = ask('/pages?ms=400')
  await until(async () => named((await operate('/admin/plugins')).body, 'pages')['inFlight'] === 1)
  const { body } = await operate('/admin/plugins')
  const ready = await operate('/readyz?verbose')

  assert.equal((await slow).body, { page: 'bytes' })
  assert.equal((await ask('/search')).body, { found: 'bytes' })
  assert.is(ready.body['status'], 'ready')
  assert.equal(named(body, 'news'), news)
  const disk = named(body, 'disk')
  assert.is(disk['state'], 'running')
  assert.is(disk['lastError'], null)
  assert.is(disk['inFlight'], 1)
  assert.match(String(disk['key']), /^[0-9a-f]{16}$/)
  assert.type(disk['startMs'], 'number')
})

test.run()
