import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { BillingEvents } from 'autodocops/plugins/billing'

import { eventObject } from '../../../plugins/billing/fake-event.ts'
import type { FaultKind } from '../../../plugins/billing/fake-faults.ts'
import { row } from '../../../plugins/billing/sql.ts'
import { count, eventsIn, instance, settle, statusOf } from './stage.ts'
import type { World } from './worker-world.ts'

/** What the worker owes when Stripe, an event or another instance is in trouble, on every database. */
export function troubleFacts(test: Test, world: World): void {
  const { database, fake, one, sent, receive, buy, dueNow } = world

  for (const [kind, code] of Object.entries(answers)) {
    test(`Stripe answers ${kind}: no bad row, tried again, and right in the end`, async () => {
      const sub = buy()
      // The SDK asks once more by itself after a reset.
      fake.faults.add({
        kind: kind as FaultKind,
        path: '/subscriptions/',
        times: kind === 'reset' ? 2 : 1,
      })
      await receive(one, ...sent)
      await one.worker.work()
      const rows = await eventsIn(database)
      const waiting = rows.filter(({ status }) => status === 'pending')
      assert.ok(waiting.length > 0 && waiting.every(({ lastError }) => lastError?.startsWith(code)))
      assert.is(await statusOf(database, sub), undefined, 'nothing was believed')

      one.plugin.clock.advance(10_000)
      await dueNow()
      await settle(one)
      assert.is((await statusOf(database, sub))?.status, 'active')
      assert.ok((await eventsIn(database)).every(({ status }) => status !== 'pending'))
    })
  }

  test('Stripe that hangs is left after the deadline', async () => {
    const quick = await instance({ database, fake, config: { workerDeadline: '200ms' } })
    const sub = buy()
    fake.faults.add({ kind: 'hang', path: '/subscriptions/', times: 99 })
    const [created] = sent
    await receive(
      quick,
      sent.find(({ type }) => type === 'customer.subscription.created') ?? created ?? {},
    )
    const startedAt = performance.now()
    await quick.worker.work()

    assert.ok(performance.now() - startedAt < 5_000)
    assert.match((await eventsIn(database))[0]?.lastError ?? '', /stripe_unavailable/)
    assert.is(await statusOf(database, sub), undefined)
    await quick.stop()
  })

  test('with Stripe down for long the payloads are applied, and the row is marked to be asked for', async () => {
    const impatient = await instance({ database, fake, config: { payloadAfter: '1ms' } })
    const sub = buy()
    fake.faults.add({ kind: '500', path: '/subscriptions/', times: 99 })
    await receive(impatient, ...sent)
    await settle(impatient)
    assert.is((await statusOf(database, sub))?.status, 'active')

    fake.faults.clear()
    impatient.plugin.clock.advance(10_000)
    await impatient.reconciler.run()
    const found = await row<{ needsRefetch: boolean; syncSource: string }>(
      database.knex,
      `select needs_refetch, sync_source from billing_subscriptions`,
    )
    assert.equal(found, { needsRefetch: false, syncSource: 'refetch' })
    await impatient.stop()
  })

  test('a subscription that Stripe does not have is done with a note', async () => {
    const ghost = { ...fake.billing.get(buy(), 'subscription'), id: 'sub_ghost' }
    const event = eventObject('evt_ghost', fake.state.now(), {
      type: 'customer.subscription.updated',
      object: ghost,
      previous: {},
    })
    await receive(one, event)
    await settle(one)

    const [found] = await eventsIn(database)
    assert.equal([found?.status, found?.lastError], ['done', 'Stripe does not have it'])
  })

  test('a poison event is dead after ten retries, keeps nobody back, and is replayed once', async () => {
    const poisoned = await instance({ database, fake })
    const bad = buy('eve')
    const good = buy('frank')
    const gateway = poisoned.plugin.services['workerGateway'] as {
      subscription: (id: string) => Promise<unknown>
    }
    const ask = gateway.subscription.bind(gateway)
    gateway.subscription = (id) => (id === bad ? Promise.reject(new TypeError('a bug')) : ask(id))
    await receive(poisoned, ...sent)
    await poisoned.worker.work()
    assert.is((await statusOf(database, good))?.status, 'active')

    for (let attempt = 0; attempt < 11; attempt += 1) {
      await dueNow()
      await settle(poisoned)
    }
    const dead = (await eventsIn(database)).filter(({ status }) => status === 'dead')
    assert.ok(dead.length > 0 && dead.every(({ attempts }) => attempts === 11))
    assert.match(dead[0]?.lastError ?? '', /a bug/)

    gateway.subscription = ask
    const effects = await count(database, 'billing_effects')
    for (const { eventId } of dead) {
      const answer = await one.plugin.inject({
        method: 'POST',
        url: `/admin/billing/events/${eventId}/replay`,
      })
      assert.is(answer.status, 200, answer.text)
    }
    await settle(one)
    assert.is((await statusOf(database, bad))?.status, 'active')
    assert.is(await count(database, 'billing_effects'), effects + 1)
    await poisoned.stop()
  })

  test('replaying everything moves row versions and causes no effect again', async () => {
    const sub = buy()
    await receive(one, ...sent)
    await settle(one)
    const [effects, before] = [
      await count(database, 'billing_effects'),
      await statusOf(database, sub),
    ]
    await database.knex.raw(
      `update billing_events set status = 'pending', received_at = clock_timestamp(), next_attempt_at = clock_timestamp()`,
    )
    await settle(one)

    assert.is(await count(database, 'billing_effects'), effects)
    assert.ok(((await statusOf(database, sub))?.version ?? 0) > (before?.version ?? 0))
  })

  test('an object that somebody else holds is left for a moment, and nothing is counted', async () => {
    const sub = buy()
    await database.knex.raw(
      `insert into billing_leases values (?, 'other', clock_timestamp() + interval '1 minute')`,
      [`object:${sub}`],
    )
    await receive(
      one,
      ...sent.filter(({ type }) => String(type).startsWith('customer.subscription')),
    )
    await one.worker.work()

    const rows = await eventsIn(database)
    assert.ok(
      rows.length > 0 &&
        rows.every(({ status, attempts }) => status === 'pending' && attempts === 0),
    )
  })

  test('who wakes up late with an older fetch changes nothing', async () => {
    const sub = buy()
    await receive(one, ...sent)
    await settle(one)
    const slow = await instance({ database, fake })
    const gateway = slow.plugin.services['workerGateway'] as {
      subscription: (id: string) => Promise<unknown>
    }
    const ask = gateway.subscription.bind(gateway)
    gateway.subscription = async (id) => {
      const old = await ask(id)
      await database.knex.raw(
        `update billing_leases set until = clock_timestamp() - interval '1 second'`,
      )
      fake.billing.cancelSubscription(sub)
      await one.synchroniser.sync(sub)
      return old
    }
    const late = await slow.synchroniser.sync(sub).then(
      () => 'done',
      () => 'refused',
    )

    assert.is(late, 'refused')
    assert.is((await statusOf(database, sub))?.status, 'canceled')
    await slow.stop()
  })

  test('a storm of failures is answered with silence for five seconds, and then asked again', async () => {
    const stormy = await instance({ database, fake })
    fake.faults.add({ kind: '500', path: '/subscriptions/', times: 1_000 })
    for (let n = 0; n < 20; n += 1) buy()
    const asked = stormy.plugin.heard(BillingEvents, 'billing:stripe-called')
    await receive(stormy, ...sent)
    await stormy.worker.work()
    // Four at a time are under way when the fifth fails.
    assert.ok(asked.length >= 5 && asked.length <= 8, `${asked.length} calls`)

    fake.faults.clear()
    await dueNow()
    await stormy.worker.work()
    assert.ok(asked.length <= 8, `${asked.length} calls`)
    stormy.plugin.clock.advance(5_000)
    await dueNow()
    await settle(stormy)
    assert.is(await count(database, 'billing_subscriptions'), 20)
    await stormy.stop()
  })

  test('a 429 is obeyed: nothing is asked for as long as it says', async () => {
    const slowed = await instance({ database, fake })
    fake.faults.add({ kind: '429', path: '/subscriptions/', times: 1 })
    const sub = buy()
    const asked = slowed.plugin.heard(BillingEvents, 'billing:stripe-called')
    await receive(slowed, ...sent)
    await slowed.worker.work()
    await dueNow()
    await slowed.worker.work()
    assert.is(asked.length, 1)

    slowed.plugin.clock.advance(1_000)
    await dueNow()
    await settle(slowed)
    assert.is((await statusOf(database, sub))?.status, 'active')
    await slowed.stop()
  })

  for (const minutes of [10, -10]) {
    test(`a clock ${minutes} minutes off changes nothing of what is worked`, async () => {
      const sub = buy()
      await receive(one, ...sent)
      const off = await instance({ database, fake })
      off.plugin.clock.advance(minutes * 60_000)
      await settle(off)
      assert.is((await statusOf(database, sub))?.status, 'active')

      fake.billing.cancelSubscription(sub)
      await receive(one, sent.at(-1) ?? {})
      await settle(off)
      assert.is((await statusOf(database, sub))?.status, 'canceled')
      assert.is(await count(database, 'billing_effects'), 1)
      await off.stop()
    })
  }
}

/** What Stripe does, and what the retry says of it. */
const answers = {
  '429': 'stripe_unavailable',
  '500': 'stripe_unavailable',
  'junk-502': 'stripe_invalid_response',
  'wrong-object': 'stripe_invalid_response',
  reset: 'stripe_unavailable',
} as const
