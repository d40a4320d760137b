import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { eventObject } from '../../../plugins/billing/fake-event.ts'
import { row } from '../../../plugins/billing/sql.ts'
import { count, eventsIn, instance, settle, statusOf } from './stage.ts'
import type { World } from './worker-world.ts'

/** What the worker owes when Stripe, an event or another instance is in trouble, on every database. */
export function troubleFacts(test: Test, world: World): void {
  const { database, fake, one, sent, receive, buy, dueNow } = world

  for (const kind of ['429', '500', 'junk-502', 'wrong-object', 'reset'] as const) {
    test(`Stripe answers ${kind}: no bad row, tried again, and right in the end`, async () => {
      const sub = buy()
      // The SDK asks once more by itself after a reset.
      fake.faults.add({ kind, path: '/subscriptions/', times: kind === 'reset' ? 2 : 1 })
      await receive(one, ...sent)
      await one.worker.work()
      const rows = await eventsIn(database)
      assert.ok(
        rows.some(({ status, lastError }) => status === 'pending' && lastError !== null),
        'a retry is noted',
      )

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

  test('a stale read is mended by the next look, and counted as drift', async () => {
    const sub = buy()
    await receive(one, ...sent)
    await settle(one)
    fake.billing.updateSubscription(sub, { cancel_at_period_end: 'true' })
    fake.faults.add({ kind: 'stale', path: '/subscriptions/', times: 1 })
    await receive(one, sent.at(-1) ?? {})
    await settle(one)
    assert.is((await one.billing.plan('alice')).cancelAt, null)

    await database.knex.raw(
      `update billing_subscriptions set fetch_started_at = clock_timestamp() - interval '2 days'`,
    )
    const found = await one.reconciler.run()
    assert.is(found?.drifted, 1)
    assert.ok((await one.billing.plan('alice')).cancelAt)
  })

  test('events that no webhook brought are found at Stripe and made up for', async () => {
    const sub = buy('gina')
    const found = await one.reconciler.run()
    await settle(one)

    assert.ok((found?.inserted ?? 0) >= sent.length)
    assert.is((await statusOf(database, sub))?.owner, 'gina')
    assert.is((await one.reconciler.run())?.inserted, 0)
  })

  test('one instance reconciles at a time', async () => {
    await database.knex.raw(
      `insert into billing_leases values ('reconciler', 'other', clock_timestamp() + interval '1 minute')`,
    )

    assert.is(await one.reconciler.run(), undefined)
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
}
