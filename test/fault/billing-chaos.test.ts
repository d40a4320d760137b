import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { BillingEvents } from '../../plugins/billing/contract.ts'
import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import { thinTwin } from '../../plugins/billing/fake-event.ts'
import { subscriptionFacts } from '../../plugins/billing/subscription-shape.ts'
import { row } from '../../plugins/billing/sql.ts'
import { postgres } from '../harness/postgres.ts'
import {
  count,
  delivery,
  emptied,
  eventsIn,
  instance,
  onPostgres,
  quietStripe,
  seeded,
} from '../plugins/billing/stage.ts'
import type { Instance } from '../plugins/billing/stage.ts'

/** 100 stories in CI, 1,000 in a soak. */
const stories = Math.ceil(100 * Math.min(10, Number(process.env['TEST_SCALE'] ?? 1)))
const database = await onPostgres((await postgres()).url)
const { fake, outgoing, buy } = await quietStripe(42)

const pro = await instance({ database, fake })
const twin = await instance({ database, fake })
const blind = await instance({ database, secret: fake.state.secret })
const blindTwin = await instance({ database, secret: fake.state.secret })

interface Chance {
  readonly float: () => number
}

const pick = <T>(items: readonly T[], { float }: Chance) =>
  items[Math.floor(float() * items.length)] as T

let lives = 0

/** One life: bought, and then three things happen to it; each step says what Stripe would send of it. */
function* life(chance: Chance): Generator<readonly FakeObject[], string> {
  const sub = buy(`owner-${(lives += 1)}`)
  yield outgoing.splice(0)
  for (let step = 0; step < 3; step += 1) {
    if (fake.state.find(sub)?.['status'] === 'canceled') break
    const turn = chance.float()
    if (turn < 0.2) fake.billing.cancelSubscription(sub)
    else if (turn < 0.5)
      fake.billing.updateSubscription(sub, { cancel_at_period_end: String(turn < 0.35) })
    else if (turn < 0.75) fake.billing.updateSubscription(sub, { metadata: { n: String(turn) } })
    else
      fake.billing.updateSubscription(sub, {
        pause_collection: turn < 0.9 ? { behavior: 'void' } : '',
      })
    yield outgoing.splice(0)
  }
  return sub
}

/** Late, doubled, shuffled, to either instance, in either form, while both work. */
async function suffer(
  seed: number,
  instances: readonly Instance[],
  forms: readonly ((e: FakeObject) => object)[],
) {
  const chance = seeded(seed)
  const late: FakeObject[] = []
  const send = async (event: FakeObject) => {
    const to = pick(instances, chance)
    await to.webhook.receive(
      delivery(pick(forms, chance)(event), fake.state.secret, to.plugin.clock.now()),
    )
  }
  const steps = life(chance)
  let step = steps.next()
  for (; step.done !== true; step = steps.next()) {
    for (const event of step.value) {
      if (chance.float() < 0.5) late.push(event)
      else await send(event)
      if (chance.float() < 0.3) late.push(event)
    }
    if (chance.float() < 0.5) await pick(instances, chance).worker.work()
  }
  while (late.length > 0) {
    await send(late.splice(Math.floor(chance.float() * late.length), 1)[0] as FakeObject)
    if (chance.float() < 0.3) await pick(instances, chance).worker.work()
  }
  return step.value
}

async function settled(instances: readonly Instance[]): Promise<void> {
  for (;;) {
    const more = await Promise.all(instances.map(({ worker }) => worker.work()))
    const due = await row<{ n: number }>(
      database.knex,
      `select count(*)::int as n from billing_events where status = 'pending'
         and next_attempt_at < clock_timestamp() + interval '1 second'`,
    )
    if (!more.includes(true) && due?.n === 0) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

interface End {
  readonly status: string
  readonly cancelAt: Date | null
  readonly needsRefetch: boolean
}

async function endOf(sub: string): Promise<string> {
  const truth = subscriptionFacts(fake.billing.get(sub, 'subscription'))
  const found = await row<End>(
    database.knex,
    `select status, cancel_at, needs_refetch from billing_subscriptions where id = ?`,
    [sub],
  )
  const isRight =
    found?.status === truth?.status && found?.cancelAt?.getTime() === truth?.cancelAt?.getTime()
  if (isRight) return 'right'
  return found?.needsRefetch ? 'unsure' : `${sub}: ${found?.status} instead of ${truth?.status}`
}

async function run(instances: readonly Instance[], forms: readonly ((e: FakeObject) => object)[]) {
  await emptied(database)
  outgoing.length = 0
  const ends: string[] = []
  for (let seed = 1; seed <= stories; seed += 1) {
    const sub = await suffer(seed, instances, forms)
    if (seed % 25 === 0 || seed === stories) await settled(instances)
    ends.push(sub)
  }
  const found = await Promise.all(ends.map(endOf))
  const wrong = found.filter((end) => end !== 'right' && end !== 'unsure')
  return { wrong, unsure: found.filter((end) => end === 'unsure').length }
}

const snapshot = (event: FakeObject) => event

test(`${stories} lives, shuffled, doubled, late, thin and not, over two instances: none ends wrong`, async () => {
  const { wrong, unsure } = await run([pro, twin], [snapshot, thinTwin])

  assert.equal(wrong, [])
  assert.is(unsure, 0)
  const dead = (await eventsIn(database)).filter(({ status }) => status === 'dead')
  assert.equal(dead, [])
})

test(`${stories} lives told by payloads alone: none ends wrong, and what cannot be told is said to be in doubt`, async () => {
  const { wrong, unsure } = await run([blind, blindTwin], [snapshot])

  console.log(`# payloads alone: ${unsure} of ${stories} in doubt`)
  assert.equal(wrong, [])
  assert.ok(unsure <= stories / 20)
})

test('ten thousand deliveries of a hundred events to two instances cause a hundred effects', async () => {
  await emptied(database)
  outgoing.length = 0
  for (let n = 0; n < 100; n += 1) buy(`owner-${n}`)
  const paid = outgoing.filter(({ type }) => type === 'invoice.paid')
  const told = [pro, twin].map(({ plugin }) => plugin.heard(BillingEvents, 'billing:invoice-paid'))
  const deliveries = paid.map((event) => delivery(event, fake.state.secret, pro.plugin.clock.now()))
  let next = 0
  const lane = async (to: Instance) => {
    for (let at = next++; at < 10_000; at = next++) {
      await to.webhook.receive(deliveries[at % 100] ?? delivery({}, ''))
      if (at % 500 === 0) await to.worker.work()
    }
  }
  await Promise.all([pro, twin].flatMap((to) => Array.from({ length: 16 }, () => lane(to))))
  await settled([pro, twin])

  const rows = await eventsIn(database)
  assert.is(rows.length, 100)
  assert.is(
    rows.reduce((sum, { deliveries: n }) => sum + n, 0),
    10_000,
  )
  for (const event of outgoing.filter(({ type }) => type === 'invoice.payment_succeeded')) {
    await twin.webhook.receive(delivery(event, fake.state.secret, twin.plugin.clock.now()))
  }
  await settled([pro, twin])

  assert.is((await eventsIn(database)).length, 200, 'the other name of each payment is an event')
  assert.is(await count(database, 'billing_effects'), 100)
  assert.is(told.flat().length, 100, 'and each payment is told once')
})

test('everything ends', async () => {
  for (const one of [pro, twin, blind, blindTwin]) await one.stop()
  await fake.stop()
  await database.stop()
})

test.run()
