import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { definePlugin } from '../../core/plugin.ts'
import { optional, service } from '../../core/service.ts'
import { sourceOf } from '../../core/sources.ts'
import { until } from '../harness/until.ts'
import { about, hostOf, get, planOf, Pool, refusal } from './host-fixture.ts'
import { gate, telling } from './host-probes.ts'

/** Three plugins, each standing on the one before, that tell what happens to them. */
function chain(told: string[]) {
  const hooks = (name: string) => ({
    start: async () => void told.push(`start ${name}`),
    activate: async () => void told.push(`activate ${name}`),
    deactivate: async () => void told.push(`deactivate ${name}`),
    stop: async () => void told.push(`stop ${name}`),
  })
  const Middle = service('middle').of<{ readonly ok: boolean }>()
  const pool = definePlugin({
    name: 'pool',
    ...about,
    provides: { pool: Pool },
    services: { pool: () => ({ query: () => 'row' }) },
    ...hooks('pool'),
  })
  const middle = definePlugin({
    name: 'middle',
    ...about,
    requires: { pool: Pool },
    provides: { middle: Middle },
    services: { middle: () => ({ ok: true }) },
    ...hooks('middle'),
  })
  const top = definePlugin({ name: 'top', ...about, requires: { middle: Middle }, ...hooks('top') })
  return [pool, middle, top] as const
}

test('plugins start in the order of their dependencies and stop in the reverse', async () => {
  const told: string[] = []
  const { host } = hostOf(planOf(chain(told).map((plugin) => ({ plugin }))))

  await host.boot()
  await host.close()

  assert.equal(told, [
    ...['start pool', 'start middle', 'start top'],
    ...['activate pool', 'activate middle', 'activate top'],
    ...['deactivate top', 'deactivate middle', 'deactivate pool'],
    ...['stop top', 'stop middle', 'stop pool'],
  ])
})

test('plugins that do not need each other start at the same time', async () => {
  let started = 0
  const slow = (name: string) =>
    definePlugin({
      name,
      ...about,
      start: async () => {
        started += 1
        await until(() => started === 3)
      },
    })
  const { host } = hostOf(
    planOf([{ plugin: slow('a') }, { plugin: slow('b') }, { plugin: slow('c') }]),
  )

  await host.boot()

  assert.is(started, 3)
})

test('a stop that fails does not keep the others from stopping', async () => {
  const told: string[] = []
  const [pool, middle, top] = chain(told)
  const failing = { ...middle, stop: async () => Promise.reject(new Error('cannot stop')) }
  const { host, lines } = hostOf(planOf([{ plugin: pool }, { plugin: failing }, { plugin: top }]))

  await host.boot()
  await host.close()

  assert.ok(told.includes('stop top') && told.includes('stop pool'))
  assert.ok(
    lines.some((line) => line.includes('cannot stop') && line.includes('"plugin":"middle"')),
  )
})

test('a start that never ends is named when its time is up', async () => {
  const told: string[] = []
  const [pool] = chain(told)
  const hanging = definePlugin({
    name: 'hanging',
    ...about,
    requires: { pool: Pool },
    startTimeoutMs: 50,
    start: () => new Promise(() => undefined),
  })
  const { host } = hostOf(planOf([{ plugin: pool }, { plugin: hanging }]))

  const error = await refusal(host.boot())

  assert.match(error.message, "plugin 'hanging' did not start within 50 ms")
  assert.ok(told.includes('stop pool'))
})

test('a start that ends after its time is up is stopped once more', async () => {
  const told: string[] = []
  const late = definePlugin({
    name: 'late',
    ...about,
    startTimeoutMs: 20,
    start: async () => {
      await until(() => told.includes('stop'))
      told.push('started late')
    },
    stop: () => void told.push('stop'),
  })
  const { host } = hostOf(planOf([{ plugin: late }]))

  await host.boot().catch(() => undefined)
  await until(() => told.length === 3)

  assert.equal(told, ['stop', 'started late', 'stop'])
})

test('when a critical plugin fails, the first cause is told, and it and what had started are stopped', async () => {
  const told: string[] = []
  const [pool, middle] = chain(told)
  const broken = { ...middle, start: async () => Promise.reject(new Error('no disk')) }
  const { host } = hostOf(planOf([{ plugin: pool }, { plugin: broken }]))

  const error = await refusal(host.boot())

  assert.match(error.message, 'middle: no disk')
  assert.equal(told, ['start pool', 'stop middle', 'stop pool'])
})

test('an undeclared service names the plugin and the service', async () => {
  const careless = definePlugin({
    name: 'careless',
    ...about,
    start: (services) => void Reflect.get(services, 'database'),
  })
  const { host } = hostOf(planOf([{ plugin: careless }]))

  const error = await refusal(host.boot())

  assert.match(error.message, "plugin 'careless' used 'database', which it does not declare")
})

test('an optional service that nobody provides is undefined', async () => {
  const seen: unknown[] = []
  const careful = definePlugin({
    name: 'careful',
    ...about,
    requires: { pool: optional(Pool) },
    start: ({ pool }) => void seen.push(pool),
  })
  const { host } = hostOf(planOf([{ plugin: careful }]))

  await host.boot()

  assert.equal(seen, [undefined])
})

const warnings = (lines: readonly string[]) =>
  lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ level }) => level === 'warn')
    .map(({ msg, plugins, hint }) => ({ msg, plugins, hint }))

test('a server warns of routes that need a user when nobody reads the Authorization header', async () => {
  const known = { name: 'x', scheme: { type: 'http' }, authenticate: () => undefined }
  const filling = (name: string, credential: 'authorization' | 'cookie') =>
    definePlugin({ name, ...about, fills: { authenticator: { ...known, credential } } })
  const asking = (name: string, auth: 'user' | 'optional') =>
    definePlugin({
      name,
      ...about,
      routes: ({ route }) => [route({ ...get, auth, path: `/${name}`, handler: () => 1 })],
    })
  const own = { plugin: asking('own', 'user') }
  const open = { plugin: asking('open', 'optional') }
  const { host, plans, lines } = hostOf(
    planOf([own, { plugin: filling('bearer', 'authorization') }]),
  )

  await host.boot()
  const quiet = warnings(lines)
  const off = sourceOf(filling('bearer', 'authorization')).facts
  plans.next = { ...planOf([own, open, { plugin: filling('cookies', 'cookie') }]), disabled: [off] }
  await host.reload()

  assert.equal(quiet, [])
  assert.equal(warnings(lines), [
    {
      msg: 'no plugin reads the Authorization header: routes that need a user answer 401 to it',
      plugins: ['own'],
      hint: 'enable one of: bearer',
    },
  ])
})

test('before the plugins run, the server listens and says that it is starting', async () => {
  const starting = gate()
  const { host } = hostOf(planOf([{ plugin: telling('waits', [], starting.opened) }]))
  const booting = host.boot()
  await until(() => host.addresses.public !== '')

  const [alive, ready, other] = await Promise.all(
    ['/healthz', '/readyz', '/api/x'].map((path) => fetch(`${host.addresses.public}${path}`)),
  )

  assert.is(alive?.status, 200)
  assert.is(ready?.status, 503)
  assert.is(other?.status, 503)
  assert.equal(await ready?.json(), { status: 'starting' })
  assert.is(((await other?.json()) as { code: string }).code, 'starting')
  starting.open()
  await booting
})

test('a request in flight ends before its plugin stops', async () => {
  const told: string[] = []
  const [pool] = chain(told)
  const slow = definePlugin({
    name: 'slow',
    ...about,
    requires: { pool: Pool },
    routes: ({ route }) => [
      route({
        ...get,
        path: '/slow',
        handler: async ({ pool: { query } }) => {
          await sleep(100)
          told.push('answered')
          return { row: query() }
        },
      }),
    ],
  })
  const { host } = hostOf(planOf([{ plugin: pool }, { plugin: slow }]))
  await host.boot()
  const asked = fetch(`${host.addresses.public}/slow`)
  await until(() => host.inFlight() > 0)

  await host.close()

  const answer = await asked
  assert.equal(await answer.json(), { row: 'row' })
  assert.ok(told.indexOf('answered') < told.indexOf('stop pool'))
})

test.run()
