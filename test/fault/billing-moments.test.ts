/** `kill -9` at the four moments where an event is half done; billing-kill does it at any. */
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { Fault } from '../../plugins/billing/fake-faults.ts'
import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import { row } from '../../plugins/billing/sql.ts'
import { postgres } from '../harness/postgres.ts'
import {
  count,
  delivery,
  emptied,
  eventsIn,
  instance,
  onPostgres,
  proPrice,
  quietStripe,
  settle,
  statusOf,
  withoutReconciler,
} from '../plugins/billing/stage.ts'
import { born } from './billing-process.ts'

const { url } = await postgres()
const database = await onPostgres(url)
const { fake, outgoing, buy } = await quietStripe(11)
const heir = await instance({ database, fake })

test.before.each(async () => {
  await emptied(database)
  await withoutReconciler(database)
  fake.faults.clear()
  outgoing.length = 0
})

/** The subscription, and the event of its payment: one effect. */
function sell(): { sub: string; paid: FakeObject } {
  const sub = buy()
  const paid = outgoing.find(({ type }) => type === 'invoice.paid')
  if (!paid) throw new Error('nothing was paid')
  return { sub, paid }
}

async function until(condition: string): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    const found = await row<{ is: boolean }>(database.knex, `select (${condition}) as is`)
    if (found?.is) return
    if (tries > 1_000) throw new Error(`it never came to: ${condition}`)
    await sleep(20)
  }
}

/** Stripe hangs once at such a path; the call that it gives waits until somebody is caught in it. */
function hangingAt(path: string): () => Promise<void> {
  const fault: Fault = { kind: 'hang', path, times: 1 }
  fake.faults.add(fault)
  return async () => {
    for (let tries = 0; fault.times > 0; tries += 1) {
      if (tries > 1_000) throw new Error(`nobody asked for ${path}`)
      await sleep(20)
    }
  }
}

/** What is claimed and leased comes free by its time: half a second in the victim. */
async function inherit(): Promise<void> {
  await sleep(600)
  await settle(heir)
}

async function isDoneOnce(sub: string): Promise<void> {
  const found = await statusOf(database, sub)
  assert.equal([found?.status, found?.owner, found?.version], ['active', 'alice', 1])
  assert.is(await count(database, 'billing_effects'), 1)
  assert.ok((await eventsIn(database)).every(({ status }) => status === 'done'))
}

test('killed after the commit and before its 200: Stripe sends again, a duplicate, worked once', async () => {
  const victim = await born(url, fake, 'before-it-answers')
  const { sub, paid } = sell()
  assert.is(await victim.post(paid), undefined)
  await victim.gone()
  assert.is(await count(database, 'billing_events'), 1)

  const again = delivery(paid, fake.state.secret, heir.plugin.clock.now())
  assert.is(await heir.webhook.receive(again), 'duplicate')
  await inherit()
  await isDoneOnce(sub)
})

test('killed between claim and answer of Stripe: the claim runs out, and another finishes', async () => {
  const victim = await born(url, fake)
  const { sub, paid } = sell()
  const asked = hangingAt('/subscriptions/')
  assert.is(await victim.post(paid), 200)
  await asked()
  await victim.kill()

  await inherit()
  await isDoneOnce(sub)
  assert.is((await eventsIn(database))[0]?.attempts, 2)
})

test('killed after Stripe’s answer and before the commit: it is asked again, and there is one version', async () => {
  const victim = await born(url, fake)
  const { sub, paid } = sell()
  const blocker = await database.knex.transaction()
  await blocker.raw('lock table billing_subscriptions in share row exclusive mode')
  assert.is(await victim.post(paid), 200)
  await until(
    `exists (select from pg_locks where relation = 'billing_subscriptions'::regclass and not granted)`,
  )
  await victim.kill()
  await blocker.rollback()

  await inherit()
  await isDoneOnce(sub)
})

test('killed after the commit and before its letter to Stripe: it is sent again under the same key, and counts once', async () => {
  const session = fake.billing.createSession({
    line_items: [{ price: proPrice, quantity: '1' }],
    client_reference_id: 'buyer',
  })
  fake.billing.completeSession(session.id)
  for (const event of outgoing) {
    await heir.webhook.receive(delivery(event, fake.state.secret, heir.plugin.clock.now()))
  }
  await settle(heir)
  const asked = hangingAt('/customers/')
  const victim = await born(url, fake)
  await asked()
  await victim.kill()
  assert.is(linked(), 0)

  await sleep(600)
  await heir.worker.send()
  assert.is(linked(), 1)
  // As if Stripe had taken it and the note of it had been lost.
  await database.knex.raw(
    `update billing_outbox set status = 'pending', next_attempt_at = clock_timestamp()`,
  )
  await heir.worker.send()
  assert.is(linked(), 1)
  const letters = await row<{ n: number; status: string }>(
    database.knex,
    `select count(*)::int as n, min(status) as status from billing_outbox`,
  )
  assert.equal(letters, { n: 1, status: 'done' })
})

const linked = () => outgoing.filter(({ type }) => type === 'customer.updated').length

test('everything ends', async () => {
  await heir.stop()
  await fake.stop()
  await database.stop()
})

test.run()
