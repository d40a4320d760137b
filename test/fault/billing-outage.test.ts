import { setTimeout as sleep } from 'node:timers/promises'

import { isProblem } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import { rows } from '../../plugins/billing/sql.ts'
import { postgres } from '../harness/postgres.ts'
import { FaultProxy } from '../harness/tcp-fault.ts'
import {
  answer,
  count,
  delivery,
  emptied,
  eventsIn,
  instance,
  onPostgres,
  quietStripe,
  settle,
  statusOf,
} from '../plugins/billing/stage.ts'

const { url } = await postgres()
const direct = await onPostgres(url)
const proxy = await FaultProxy.before(Number(new URL(url).port || 5_432))
const through = new URL(url)
through.hostname = '127.0.0.1'
through.port = String(proxy.port)
const database = await onPostgres(through.href, false)
const { fake, outgoing, buy } = await quietStripe(4)

test.before.each(async () => {
  await emptied(direct)
  outgoing.length = 0
})

const sell = (many: number): string[] => Array.from({ length: many }, (_, n) => buy(`owner-${n}`))

async function storedIds(): Promise<Set<string>> {
  const stored = await rows<{ eventId: string }>(direct.knex, `select event_id from billing_events`)
  return new Set(stored.map(({ eventId }) => eventId))
}

test('with Postgres gone webhooks are 503, it is back within 5 s, and nothing acknowledged is lost', async () => {
  const one = await instance({ database, fake })
  await one.plugin.activate()
  sell(40)
  const acknowledged: string[] = []
  const statuses = new Set<number>()
  const send = async (event: FakeObject) => {
    const status = await answer(one, event)
    statuses.add(status)
    if (status === 200) acknowledged.push(event.id)
    return status
  }
  await Promise.all(outgoing.slice(0, 50).map(send))
  proxy.set({ mode: 'refuse' })
  await Promise.all(outgoing.slice(50, 100).map(send))
  assert.ok(statuses.has(503))
  assert.equal(
    [...statuses].filter((status) => ![200, 503].includes(status)),
    [],
  )

  proxy.set({ mode: 'pass' })
  const back = performance.now()
  const [probe] = outgoing.slice(100)
  while (probe && (await send(probe)) !== 200) await sleep(50)
  const downMs = performance.now() - back
  console.log(`# back after ${downMs.toFixed(0)} ms`)
  assert.ok(downMs < 5_000)

  await Promise.all(outgoing.map(send))
  const stored = await storedIds()
  assert.equal(
    acknowledged.filter((id) => !stored.has(id)),
    [],
  )
  await settle(one)
  assert.ok((await eventsIn(direct)).every(({ status }) => status !== 'dead'))
  await one.stop()
})

test('a database that takes no writes makes 503, and never 200', async () => {
  const one = await instance({ database, fake })
  sell(1)
  await direct.knex.raw(
    `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
  )
  proxy.set({ mode: 'refuse' })
  await sleep(50)
  proxy.set({ mode: 'pass' })
  const statuses = await Promise.all(outgoing.map((event) => answer(one, event)))
  await direct.knex.raw(
    `do $$ begin execute format('alter database %I reset default_transaction_read_only', current_database()); end $$`,
  )
  proxy.set({ mode: 'refuse' })
  await sleep(50)
  proxy.set({ mode: 'pass' })

  assert.ok(
    statuses.every((status) => status === 503),
    statuses.join(),
  )
  assert.is(await count(direct, 'billing_events'), 0)
  await one.stop()
})

test('an instance that is told to go finishes what it claimed, and the next one does the rest', async () => {
  const [old, next] = [
    await instance({ database: direct, fake }),
    await instance({ database: direct, fake }),
  ]
  await old.plugin.activate()
  const subs = sell(60)
  const answers = outgoing.map((event) => answer(old, event))
  await sleep(30)
  const startedAt = performance.now()
  await old.stop()
  const statuses = await Promise.all(answers)

  assert.ok(performance.now() - startedAt < 10_000)
  const acknowledged = outgoing.filter((_, at) => statuses[at] === 200).map(({ id }) => id)
  const stored = await storedIds()
  assert.equal(
    acknowledged.filter((id) => !stored.has(id)),
    [],
  )
  const held = await rows(
    direct.knex,
    `select 1 from billing_events where claim_token is not null and status = 'pending'`,
  )
  assert.is(held.length, 0, 'no claim is left behind')

  await Promise.all(outgoing.map((event) => answer(next, event)))
  await settle(next)
  for (const sub of subs) assert.is((await statusOf(direct, sub))?.status, 'active')
  await next.stop()
})

test('ten thousand bad signatures write nothing, and good events are taken in between', async () => {
  const one = await instance({ database: direct, fake })
  sell(5)
  const bad = outgoing[0] as FakeObject
  const statuses = { good: [] as number[], bad: new Set<number>() }
  for (let round = 0; round < 100; round += 1) {
    const wrong = Array.from({ length: 100 }, () => answer(one, bad, 'whsec_other'))
    const right = outgoing[round]
    if (right) statuses.good.push(await answer(one, right))
    for (const status of await Promise.all(wrong)) statuses.bad.add(status)
  }

  assert.equal([...statuses.bad], [400])
  assert.ok(statuses.good.length > 10 && statuses.good.every((status) => status === 200))
  assert.is(await count(direct, 'billing_events'), statuses.good.length)
  await one.stop()
})

test('instances whose clocks differ by two minutes lose and repeat nothing', async () => {
  const [slow, fast] = [
    await instance({ database: direct, fake }),
    await instance({ database: direct, fake }),
  ]
  fast.plugin.clock.advance(120_000)
  const subs = sell(20)
  await Promise.all(outgoing.flatMap((event) => [answer(slow, event), answer(fast, event)]))
  await Promise.all([settle(slow), settle(fast)])

  for (const sub of subs) assert.is((await statusOf(direct, sub))?.status, 'active')
  assert.is(await count(direct, 'billing_effects'), 20)
  await slow.stop()
  await fast.stop()
})

for (const [minutes, said] of [
  [10, / (599|60[01]) s ahead of /],
  [-10, / (599|60[01]) s behind /],
] as const) {
  test(`a clock ${minutes} minutes off refuses fresh deliveries by their time, and is told of once a minute`, async () => {
    const one = await instance({ database: direct, fake })
    sell(1)
    const given = delivery(outgoing[0] ?? {}, fake.state.secret, one.plugin.clock.now())
    one.plugin.clock.advance(minutes * 60_000)
    for (let copy = 0; copy < 10; copy += 1) {
      const error = await one.webhook.receive(given).catch((problem: unknown) => problem)
      assert.ok(isProblem(error) && error.code === 'timestamp_out_of_tolerance')
    }

    const told = one.plugin.logs.filter(({ level }) => level === 'warn')
    assert.is(told.length, 1)
    assert.match(String(told[0]?.message), said)
    await one.stop()
  })
}

test('acknowledging does not wait for a Stripe that hangs', async () => {
  const one = await instance({ database: direct, fake, config: { workerDeadline: '3s' } })
  await one.plugin.activate()
  fake.faults.add({ kind: 'hang', path: '/subscriptions/', times: 1_000 })
  sell(50)
  const startedAt = performance.now()
  const statuses = await Promise.all(outgoing.map((event) => answer(one, event)))
  const tookMs = performance.now() - startedAt

  assert.ok(statuses.every((status) => status === 200))
  console.log(
    `# ${outgoing.length} events acknowledged in ${tookMs.toFixed(0)} ms while Stripe hangs`,
  )
  assert.ok(tookMs < 3_000)
  fake.faults.clear()
  await one.stop()
})

test('everything ends', async () => {
  await database.stop()
  await direct.stop()
  await fake.stop()
})

test.run()
