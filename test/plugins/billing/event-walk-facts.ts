import { isProblem } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { writeCursor } from '../../../plugins/billing/cursors.ts'
import type { FakeStripe } from '../../../plugins/billing/fake-stripe.ts'
import type { Gateway } from '../../../plugins/billing/gateway.ts'
import { StripeGateway } from '../../../plugins/billing/gateway-stripe.ts'
import { until } from '../../harness/until.ts'
import { eventsIn, instance, quietStripe } from './stage.ts'
import type { Instance } from './stage.ts'

/** Of each page that it asks for from now on, the event that it comes after; `before` comes before the question. */
function pagesAsked(
  one: Instance,
  before: (nth: number) => void | Promise<void> = () => undefined,
): readonly (string | undefined)[] {
  const gateway = one.plugin.services['workerGateway'] as { events: Gateway['events'] }
  const ask = gateway.events.bind(gateway)
  const asked: (string | undefined)[] = []
  gateway.events = async (since, after) => {
    asked.push(after)
    await before(asked.length)
    return ask(since, after)
  }
  return asked
}

/** How a long outage is made up for, on every database. */
export function eventWalkFacts(test: Test, database: DatabaseService): void {
  /** Two hours ago Stripe made this many subscriptions, with six events each, and one more an hour later. */
  async function outage(many: number) {
    const { fake, outgoing, buy } = await quietStripe(21)
    const lastLook = new Date(Date.now() - 3 * 3_600_000)
    await writeCursor(database.knex, 'stripe-events', lastLook.toISOString())
    fake.state.advance(-7_200)
    for (let n = 1; n < many; n += 1) buy(`missed-${n}`)
    fake.state.advance(3_600)
    buy('missed-later')
    fake.state.advance(3_600)
    return { fake, outgoing, buy }
  }
  const started = (fake: FakeStripe) => instance({ database, fake })
  const missing = async (events: readonly { readonly id: string }[]) => {
    const stored = new Set((await eventsIn(database)).map(({ eventId }) => eventId))
    return events.filter(({ id }) => !stored.has(id)).length
  }

  test('a long outage is made up for in rounds: the next goes on where one ended or broke off, on any instance', async () => {
    const { fake, outgoing, buy } = await outage(280)
    const many = outgoing.length
    const first = await started(fake)
    const begun = await first.reconciler.round()
    assert.equal([begun?.seen, begun?.inserted, begun?.hasMore], [1_000, 1_000, true])

    for (let n = 0; n < 5; n += 1) buy(`meanwhile-${n}`)
    pagesAsked(first, (nth) => (nth < 3 ? undefined : Promise.reject(new Error('broken off'))))
    const broken = await first.reconciler.round().catch((error: Error) => error.message)
    assert.is(broken, 'broken off')
    await first.stop()

    const second = await started(fake)
    const rest = await second.reconciler.round()
    assert.equal([rest?.inserted, rest?.hasMore], [many - 1_200, false])
    assert.is(rest?.seen, many - 1_200, 'no page is read twice')
    const meanwhile = await second.reconciler.round()
    assert.equal([meanwhile?.inserted, meanwhile?.hasMore], [30, false])
    assert.is(await missing(outgoing), 0)
    await second.stop()
    await fake.stop()
  })

  test('a walk that takes several rounds is followed by a pause, however much Stripe makes meanwhile', async () => {
    const { fake, buy } = await outage(1)
    for (let n = 0; n < 200; n += 1) buy(`busy-${n}`)
    const one = await started(fake)
    const rounds = []
    for (let n = 0; n < 6; n += 1) {
      buy('meanwhile')
      rounds.push((await one.reconciler.round())?.hasMore)
    }

    assert.equal(rounds, [true, false, true, false, true, false])
    await one.stop()
    await fake.stop()
  })

  test('a round ends by the clock as well', async () => {
    const { fake } = await outage(60)
    const one = await started(fake)
    pagesAsked(one, () => one.plugin.clock.advance(20_000))
    const found = await one.reconciler.round()

    assert.equal([found?.seen, found?.hasMore], [200, true])
    await one.stop()
    await fake.stop()
  })

  test('a command goes on to the end, after the walk that it found under way', async () => {
    const { fake, outgoing, buy } = await outage(280)
    const one = await started(fake)
    await one.reconciler.round()
    buy('meanwhile')
    await one.reconciler.run()

    assert.is(await missing(outgoing), 0)
    await one.stop()
    await fake.stop()
  })

  test('an instance that stops waits for the page under way, and not for the whole walk', async () => {
    const { fake, outgoing } = await outage(60)
    const one = await started(fake)
    let stopped: Promise<void> | undefined
    const asked = pagesAsked(one, (nth) => {
      if (nth === 2) stopped = one.reconciler.stop()
    })
    one.reconciler.start()
    await until(() => stopped !== undefined)
    await stopped

    assert.is(asked.length, 2)
    assert.is(await missing(outgoing), outgoing.length - 200)
    await one.stop()
    await fake.stop()
  })

  test('a look at the last minutes alone does not make the next one skip the hours before', async () => {
    const { fake, outgoing } = await outage(5)
    const one = await started(fake)
    assert.is((await one.reconciler.run(new Date(Date.now() - 60_000)))?.seen, 0)

    assert.is((await one.reconciler.run())?.inserted, outgoing.length)
    await one.stop()
    await fake.stop()
  })

  test('a database whose clock is 50 minutes ahead of Stripe’s makes no event be skipped', async () => {
    const { fake, outgoing, buy } = await outage(1)
    fake.state.advance(-3_000)
    const one = await started(fake)
    await one.reconciler.run()
    buy('later')

    assert.is((await one.reconciler.run())?.inserted, 6)
    assert.is(await missing(outgoing), 0)
    await one.stop()
    await fake.stop()
  })

  test('a place that Stripe has forgotten since is left, and nothing is skipped', async () => {
    const { fake, outgoing } = await outage(20)
    const one = await started(fake)
    const since = new Date(Date.now() - 3 * 3_600_000).toISOString()
    const walk = { since, newest: since, after: 'evt_of_last_month' }
    await writeCursor(database.knex, 'stripe-events-walk', JSON.stringify(walk))
    const asked = pagesAsked(one)
    await one.reconciler.round()

    assert.equal(asked.slice(0, 2), ['evt_of_last_month', undefined])
    assert.is(await missing(outgoing), 0)
    await one.stop()
    await fake.stop()
  })

  for (const [title, data] of [
    ['is the same again', [{ id: 'evt_1', object: 'event' }]],
    ['has nothing on it and more after it', []],
  ] as const) {
    test(`a page that ${title} is not believed`, async () => {
      const line = { call: () => Promise.resolve({ data, has_more: true }) }
      const gateway = new StripeGateway(line as never, 1_000)
      const error = await gateway.events(new Date(), 'evt_1').catch((problem: unknown) => problem)

      assert.ok(isProblem(error) && error.code === 'stripe_invalid_response')
    })
  }

  test('a subscription that cannot be looked at keeps back no other', async () => {
    const { fake, outgoing } = await outage(2)
    const one = await started(fake)
    await one.reconciler.run()
    while (await one.worker.work());
    await database.knex.raw(`update billing_subscriptions set needs_refetch = true,
      fetch_started_at = case when owner = 'missed-1' then null else fetch_started_at end`)
    const [bad] = outgoing.filter(({ type }) => type === 'customer.subscription.created')
    const { id } = (bad?.['data'] as { object: { id: string } }).object
    fake.state.put({ ...fake.billing.get(id, 'subscription'), customer: null })
    const found = await one.reconciler.run()

    assert.is(found?.refetched, 2)
    const { rows } = (await database.knex.raw(
      `select owner from billing_subscriptions where needs_refetch`,
    )) as { rows: unknown }
    assert.equal(rows, [{ owner: 'missed-1' }])
    await one.stop()
    await fake.stop()
  })
}
