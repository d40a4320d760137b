/** The services of a plugin, as its hooks and handlers hold them. */
import { inspect } from 'node:util'

import { definePlugin, own } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { about, hostOf, planOf, Pool, refusal } from './host-fixture.ts'

interface Store {
  readonly rows: string[]
}

/** A pool over a store that is its own business. */
const keeping = (built: string[] = []) =>
  definePlugin({
    name: 'keeping',
    ...about,
    provides: { pool: Pool },
    internal: { store: own<Store>() },
    services: {
      store: () => {
        built.push('store')
        return { rows: ['row'] }
      },
      pool: ({ store }) => ({ query: () => store.rows.join() }),
    },
  })

/** Starts `use` with the services of a plugin that requires the pool. */
const asking = (use: (services: object) => unknown) =>
  definePlugin({
    name: 'asking',
    ...about,
    requires: { pool: Pool },
    start: async (services) => void (await use(services)),
  })

test('a service is built once, whoever asks for it', async () => {
  const built: string[] = []
  const { host } = hostOf(planOf([{ plugin: keeping(built) }, { plugin: asking(() => undefined) }]))

  await host.boot()
  await host.close()

  assert.equal(built, ['store'])
})

test('what a plugin keeps inside is nobody else’s, by no name', async () => {
  const peeping = asking((services) => Reflect.get(services, 'store'))

  const error = await refusal(
    hostOf(planOf([{ plugin: keeping() }, { plugin: peeping }])).host.boot(),
  )

  assert.match(error.message, "plugin 'asking' used 'store', which it does not declare")
})

test('a service that is built from something undeclared is refused by both names', async () => {
  const careless = definePlugin({
    name: 'careless',
    ...about,
    internal: { store: own<Store>() },
    services: { store: (given) => ({ rows: [String(Reflect.get(given, 'database'))] }) },
  })

  const error = await refusal(hostOf(planOf([{ plugin: careless }])).host.boot())

  assert.match(error.message, "plugin 'careless' used 'database', which it does not declare")
})

test('services may be awaited, printed and written as JSON like any object', async () => {
  const seen: { printed?: string; json?: string; awaited?: boolean; text?: string } = {}
  const curious = asking(async (services) => {
    seen.awaited = (await (services as Promise<object>)) === services
    seen.printed = inspect(services, { depth: 0 })
    seen.json = JSON.stringify(Object.keys(services))
    seen.text = Object.prototype.toString.call(services)
  })
  const { host } = hostOf(planOf([{ plugin: keeping() }, { plugin: curious }]))

  await host.boot()
  await host.close()

  assert.is(seen.awaited, true)
  assert.match(seen.printed ?? '', 'pool')
  assert.match(seen.json ?? '', '"pool"')
  assert.is(seen.text, '[object Object]')
})

test('services cannot be replaced by whoever holds them', async () => {
  const writing = asking((services) => Reflect.set(services, 'pool', 'mine'))
  const seen: unknown[] = []
  const reading = definePlugin({
    name: 'reading',
    ...about,
    requires: { pool: Pool },
    start: ({ pool }) => void seen.push(pool.query()),
  })
  const { host } = hostOf(planOf([{ plugin: keeping() }, { plugin: writing }, { plugin: reading }]))

  await host.boot()
  await host.close()

  assert.equal(seen, ['row'])
})

test.run()
