import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from '../harness/postgres.ts'
import { timed } from '../harness/stopwatch.ts'
import { FaultProxy } from '../harness/tcp-fault.ts'
import type { Fault } from '../harness/tcp-fault.ts'
import { codeOf, started } from '../plugins/database/started.ts'

/** research: an outage is answered within 2.5 s, and 5 s after its end all is well, without a restart. */
const outageMs = 2_500
const healMs = 5_000
const slackMs = 250

const direct = new URL((await postgres()).url)
const proxy = await FaultProxy.before(Number(direct.port))
const behind = new URL(direct)
behind.port = String(proxy.port)

const main = await started({}, { url: behind.href })
const { knex } = main.connections
await knex.raw('create table facts (a int)')
await knex('facts').insert({ a: 1 })

const ask = () => codeOf(knex('facts').select('a'))

/** As many connections as the pool may have, all idle for longer than they are trusted unasked. */
async function fillPool(): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, () => codeOf(knex.raw('select pg_sleep(0.1)'))))
  main.plugin.clock.advance(2_000)
}

async function healed(): Promise<number> {
  proxy.heal()
  const { ms } = await timed(async () => {
    for (let inARow = 0; inARow < 20;) inARow = (await ask()) === 'no error' ? inARow + 1 : 0
  })
  return ms
}

test.before.each(async () => {
  await healed()
  await fillPool()
})

const outages: readonly (readonly [string, Partial<Fault>])[] = [
  ['refuses connections', { mode: 'refuse' }],
  ['swallows everything', { mode: 'blackHole' }],
  ['stalls', { mode: 'stall' }],
]

for (const [name, fault] of outages) {
  test(`a database that ${name} is answered within 2.5 s, and heals by itself`, async () => {
    proxy.set(fault)

    const answers = await Promise.all(Array.from({ length: 20 }, () => timed(ask)))
    const later = await timed(ask)
    const health = await timed(async () => (await main.connections.check()).status)
    const healing = await healed()

    for (const { value, ms } of [...answers, later]) {
      assert.is(value, 'database_unavailable')
      assert.ok(ms <= outageMs + slackMs, `answered after ${String(ms)} ms`)
    }
    assert.is(health.value, 'fail')
    assert.ok(healing <= healMs, `healed after ${String(healing)} ms`)
  })
}

test('a transaction whose statement was under way when the network stalled ends by its deadline', async () => {
  const short = await started({}, { url: behind.href, deadlines: { statement: '1s' } })
  const work = timed(() =>
    codeOf(short.connections.knex.transaction((trx) => trx.raw('select pg_sleep(0.3)'))),
  )
  await sleep(150)

  proxy.set({ mode: 'stall' })
  const { value, ms } = await work

  assert.is(value, 'database_timeout')
  assert.ok(ms <= 1_500 + slackMs, `ended after ${String(ms)} ms`)
  proxy.heal()
  await short.plugin.stop()
})

test('a transaction that was under way is not half done', async () => {
  const work = codeOf(
    knex.transaction(async (trx) => {
      await trx('facts').insert({ a: 2 })
      proxy.cut()
      await trx('facts').insert({ a: 3 })
    }),
  )

  assert.is(await work, 'database_unavailable')
  assert.equal(await knex('facts').pluck('a'), [1])
})

test('a slow network is waited for', async () => {
  proxy.set({ latencyMs: 400 })

  const { value: code, ms } = await timed(ask)

  // Asked whether it still lives, the idle connection answers too late; a new one does not come in time.
  assert.ok(code === 'no error' || code === 'database_unavailable')
  assert.ok(ms <= outageMs + slackMs, `answered after ${String(ms)} ms`)
  assert.ok((await healed()) <= healMs)
})

test('a reply that is cut off is a problem, never half a result', async () => {
  proxy.set({ resetAfterBytes: 2_000 })

  const rows = knex.raw('select repeat(md5(i::text), 10) from generate_series(1, 1000) i')
  const { value: code, ms } = await timed(() => codeOf(rows))

  assert.is(code, 'database_unavailable')
  assert.ok(ms <= outageMs + slackMs, `answered after ${String(ms)} ms`)
  assert.ok((await healed()) <= healMs)
})

test('a network that comes and goes leaves nothing broken behind', async () => {
  let slowest = 0
  const flapping = proxy.flap(6, 250).then(() => 'over')
  while ((await Promise.race([flapping, sleep(20, 'on')])) === 'on') {
    slowest = Math.max(slowest, (await timed(ask)).ms)
  }

  assert.ok(slowest <= outageMs + slackMs, `answered after ${String(slowest)} ms`)
  assert.ok((await healed()) <= healMs)
  assert.ok(main.connections.pool().used <= 1)
})

test('the database is closed', async () => {
  await main.plugin.stop()
})

test.run()
