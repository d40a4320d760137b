/** What billing finds out about its own set-up, by itself and for `autodocops doctor`. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import { buildPlugin, testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import billing from '../../../plugins/billing/index.ts'
import { DatabaseErrors } from '../../../plugins/database/errors.ts'
import { about, examined } from '../../core/doctor-fixture.ts'
import { embedded, fakeStripe, instance } from './stage.ts'

const database = await embedded()
const fake = await fakeStripe({ seed: 7 })

/** A Stripe that takes connections and never says a word. */
const connections = new Set<Socket>()
const silent = createServer((socket) => {
  connections.add(socket)
  socket.resume().on('error', () => undefined)
  socket.once('close', () => connections.delete(socket))
})
await once(silent.listen(0, '127.0.0.1'), 'listening')
const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
const plans = { pro: { prices: ['price_1', 'price_2'] } }

test('nothing is wrong with a good set-up', async () => {
  const one = await instance({ database, fake })
  const findings = await one.doctor.examine()

  assert.ok(findings.length > 5)
  assert.equal(
    findings.filter(({ status }) => status === 'fail'),
    [],
  )
  await one.stop()
})

test('a secret that is none, a wrong mode, a clock that is off and a price that is not there are named', async () => {
  const config = {
    livemode: true,
    webhookSecret: 'not-one',
    plans: { pro: { prices: ['price_live'] } },
  }
  const ill = await instance({ database, fake, config })
  ill.plugin.clock.advance(600_000)
  const failed = (await ill.doctor.examine()).filter(({ status }) => status === 'fail')

  assert.equal(
    failed.map(({ check }) => check),
    ['webhook secret', 'API key', 'clock', 'plan pro'],
  )
  assert.match(
    failed.map(({ detail }) => detail).join('\n'),
    /livemode.*\d{3} s ahead.*wrong mode/s,
  )
  await ill.stop()
})

test('production without Stripe is told once, as a warning', async () => {
  const off = await testPlugin(billing, { services: { database }, server: { production: true } })
  const told = (await off.examine()).filter(({ verdict }) => verdict !== 'ok')

  assert.equal(
    told.map(({ check, verdict }) => [check, verdict]),
    [['billing: mode', 'warning']],
  )
  assert.match(told[0]?.saw ?? '', /no key for Stripe/)
  await off.stop()
})

test('FakeStripe in production is a failure, told once', async () => {
  const config = { fake: true }
  const server = { production: true }
  const risky = await testPlugin(billing, { config, services: { database }, server })
  const failed = (await risky.examine()).filter(({ verdict }) => verdict === 'failed')

  assert.equal(
    failed.map(({ check }) => check),
    ['billing: mode'],
  )
  await risky.stop()
})

test('a Stripe that is silent is told once beside all that needs no Stripe, and nothing stays open for it', async () => {
  const one = await instance({ database, fake, config: { apiBase: silentUrl, plans } })
  const patience = new AbortController()
  const examining = one.plugin.examine({ online: true, signal: patience.signal })
  while (connections.size < 4) await once(silent, 'connection')
  patience.abort()
  const found = await examining

  assert.equal(
    found.map(({ check, verdict }) => `${check}: ${verdict}`),
    [
      'billing: mode: ok',
      'billing: webhook secret: ok',
      'billing: mode of the key: ok',
      'billing: inbox: ok',
      'billing: Stripe: failed',
    ],
  )
  await Promise.all([...connections].map((socket) => once(socket, 'close')))
  await one.stop()
})

/** What is found of the inbox when the database answers so. */
async function inboxWhen(raw: () => unknown) {
  const ill = Object.assign(Object.create(database) as typeof database, { knex: { raw } })
  const built = await buildPlugin(billing, { services: { database: ill } })
  const [found, ...more] = (await built.examine()).filter(({ check }) => check.endsWith('inbox'))
  assert.equal(more, [])
  return found
}

test('an inbox beside a database that is away is not examined, and the database says why', async () => {
  const detail = 'operation timed out for an unknown reason'
  const away = DatabaseErrors.database_unavailable({ detail })
  const found = await inboxWhen(() => Promise.reject(away))

  assert.equal(found, {
    check: 'billing: inbox',
    verdict: 'skipped',
    saw: 'cannot be read without the database',
  })
})

test('an inbox before the first start is not there yet', async () => {
  const found = await inboxWhen(() => database.knex.raw('select 1 from billing_of_tomorrow'))

  assert.is(found?.verdict, 'skipped')
  assert.is(found?.saw, 'not there yet: the first start makes it')
})

test('an inbox that may not be read is a failure, with the reason of Postgres and no statement', async () => {
  const found = await inboxWhen(() => database.knex.raw('select 1 / 0'))

  assert.is(found?.verdict, 'failed')
  assert.is(found?.saw, 'cannot be read: division by zero')
})

test('autodocops doctor ends by itself beside a Stripe that is silent, and has told the rest', async () => {
  const manifest = `
plugins:
  database: true
  auth: true
  billing:
    config: { apiKey: '\${KEY}', webhookSecret: '\${HOOK}', apiBase: '${silentUrl}', plans: { pro: { prices: [price_1] } } }
`
  const env = { KEY: 'sk_test_abcdef', HOOK: 'whsec_abcdef' }
  const timed = async (args: readonly string[]) => {
    const startedAt = performance.now()
    return { found: await examined({ manifest, env, args }), ms: performance.now() - startedAt }
  }
  const offline = await timed([])
  const online = await timed(['--online'])

  assert.is(offline.found.code, 0, offline.found.stdout)
  assert.is(online.found.code, 1)
  assert.is(about(online.found, 'billing: Stripe', /does not answer/).verdict, 'failed')
  for (const check of ['billing: mode', 'billing: webhook secret', 'billing: mode of the key'])
    assert.is(about(online.found, check, /./).verdict, 'ok')
  assert.is(about(online.found, 'billing: inbox', /./).verdict, 'skipped')
  // It waits for 5 s; a call that is not ended would keep it for 20 s.
  const more = online.ms - offline.ms
  assert.ok(more < 14_000, `${Math.round(more)} ms longer than without --online`)
})

test('everything ends', async () => {
  silent.close()
  await fake.stop()
  await database.stop()
})

test.run()
