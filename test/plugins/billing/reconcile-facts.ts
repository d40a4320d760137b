import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { BillingEvents } from 'autodocops/plugins/billing'

import { emptied, settle, statusOf } from './stage.ts'
import type { World } from './worker-world.ts'

/** What is made up for when webhooks failed us, on every database. */
export function reconcileFacts(test: Test, world: World): void {
  const { database, fake, one, sent, receive, buy } = world

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
    const told = one.plugin.heard(BillingEvents, 'billing:drift-found')
    const found = await one.reconciler.run()
    assert.is(found?.drifted, 1)
    assert.ok(told.some(({ kind, count }) => kind === 'subscription' && count === 1))
    assert.ok((await one.billing.plan('alice')).cancelAt)
  })

  test('events that no webhook brought are found at Stripe and made up for', async () => {
    const sub = buy('gina')
    const told = one.plugin.heard(BillingEvents, 'billing:drift-found')
    const found = await one.reconciler.run()
    await settle(one)

    assert.ok((found?.inserted ?? 0) >= sent.length)
    assert.is((await statusOf(database, sub))?.owner, 'gina')
    assert.equal(told, [{ kind: 'event', count: found?.inserted }])
    assert.is((await one.reconciler.run())?.inserted, 0)
    assert.is(told.length, 1, 'nothing is told when nothing was missing')
  })

  test('one instance reconciles at a time', async () => {
    await database.knex.raw(
      `insert into billing_leases values ('reconciler', 'other', clock_timestamp() + interval '1 minute')`,
    )

    assert.is(await one.reconciler.run(), undefined)
  })

  test('after two hours without webhooks all that were missed are found, page by page, and counted', async () => {
    await one.reconciler.run()
    await emptied(database)
    await database.knex.raw(
      `insert into billing_cursors (name, value) values ('stripe-events',
         to_char((clock_timestamp() - interval '2 hours') at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))`,
    )
    fake.state.advance(-7_000)
    const subs = Array.from({ length: 30 }, (_, n) => buy(`missed-${n}`))
    fake.state.advance(7_000)
    const since = Math.min(...sent.map(({ created }) => Number(created)))
    const atStripe = fake.state.all('event').filter(({ created }) => Number(created) >= since)
    const found = await one.reconciler.run()
    await settle(one)

    assert.ok(sent.length > 100, `${sent.length} events: more than a page`)
    assert.is(found?.inserted, atStripe.length)
    for (const sub of subs) assert.is((await statusOf(database, sub))?.status, 'active')
  })
}
