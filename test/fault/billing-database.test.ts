/** A Postgres that crashes, is full or is held up while webhooks come: a private one, since it is hurt. */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { BillingEvents } from 'autodocops/plugins/billing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import { row, rows } from '../../plugins/billing/sql.ts'
import { startPostgres } from '../harness/postgres-server.ts'
import { skip } from '../harness/skip.ts'
import {
  answer,
  count,
  emptied,
  eventsIn,
  instance,
  onPostgres,
  quietStripe,
  withoutReconciler,
} from '../plugins/billing/stage.ts'
import { until } from '../plugins/cache/rig.ts'

const server = await startPostgres()
if (!server) skip('a Postgres', 'apt-get install postgresql')
const first = await onPostgres(server.url)
// A crash must not take with it what was committed: the server for tests writes its log late otherwise.
await first.knex.raw('alter role postgres set synchronous_commit = on')
await first.stop()
const database = await onPostgres(server.url, false)
const { fake, outgoing, buy } = await quietStripe(21)

test.before.each(async () => {
  await emptied(database)
  await withoutReconciler(database)
  outgoing.length = 0
})

function sell(many: number): void {
  for (let n = 0; n < many; n += 1) buy(`owner-${n}`)
}

/** `kill -9` of one of its processes: Postgres throws everybody out and recovers from its log. */
async function crash(): Promise<void> {
  const found = await row<{ pid: number }>(database.knex, `select pg_backend_pid() as pid`)
  process.kill(found?.pid ?? 0, 'SIGKILL')
}

test('a Postgres that crashes under load is 503, is back within 5 s, and has all that was acknowledged', async () => {
  const one = await instance({ database, fake })
  await one.plugin.activate()
  sell(60)
  const acknowledged = new Set<string>()
  const statuses = new Set<number>()
  let next = 0
  let crashed = false
  const lane = async () => {
    for (let event = outgoing[next++]; event; event = outgoing[next++]) {
      let status = await answer(one, event)
      for (const since = performance.now(); status !== 200; status = await answer(one, event)) {
        statuses.add(status)
        assert.ok(performance.now() - since < 5_000, `${status} for five seconds`)
        await sleep(20)
      }
      acknowledged.add(event.id)
      if (acknowledged.size > 100 && !crashed) {
        crashed = true
        await crash()
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))

  assert.ok(crashed)
  assert.equal([...statuses], [503])
  const stored = new Set((await eventsIn(database)).map(({ eventId }) => eventId))
  assert.equal(
    [...acknowledged].filter((id) => !stored.has(id)),
    [],
  )
  // What was claimed as it crashed would be free after the minute of its claim.
  const pending = `select 1 from billing_events where status = 'pending'`
  for (let tries = 0; tries < 300 && (await rows(database.knex, pending)).length > 0; tries += 1) {
    await database.knex.raw(`
      delete from billing_leases where name like 'object:%' and until < clock_timestamp();
      update billing_events set next_attempt_at = clock_timestamp() where status = 'pending'`)
    await sleep(100)
  }
  assert.is(await count(database, 'billing_effects'), 60)
  await one.stop()
})

test('a full disk makes 503, and never 200', async () => {
  const one = await instance({ database, fake })
  const told = one.plugin.heard(BillingEvents, 'billing:webhook-received')
  sell(2)
  await database.knex.raw(`
    create function full_disk() returns trigger language plpgsql as
      $$ begin raise exception 'No space left on device' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert on billing_events execute function full_disk()`)
  const statuses = await Promise.all(outgoing.map((event) => answer(one, event)))
  await database.knex.raw('drop function full_disk cascade')

  assert.equal([...new Set(statuses)], [503])
  assert.is(await count(database, 'billing_events'), 0)
  assert.ok(told.length > 0 && told.every(({ outcome }) => outcome === 'failed'))
  assert.is(await answer(one, outgoing[0] as FakeObject), 200)
  await one.stop()
})

test('a worker that is held up in the database keeps back no acknowledgement', async () => {
  const one = await instance({ database, fake })
  await one.plugin.activate()
  sell(20)
  const blocker = await database.knex.transaction()
  await blocker.raw('lock table billing_subscriptions in access exclusive mode')
  const early = await Promise.all(outgoing.slice(0, 60).map((event) => answer(one, event)))
  const held = `select 1 from pg_locks where relation = 'billing_subscriptions'::regclass and not granted`
  while ((await rows(blocker, held)).length < 4) await sleep(20)
  const late = await Promise.all(outgoing.slice(60).map((event) => answer(one, event)))
  assert.is((await rows(blocker, held)).length, 4, 'every lane of the worker still waits')
  await blocker.rollback()

  assert.equal([...new Set([...early, ...late])], [200])
  const effects = () => count(database, 'billing_effects')
  await until(async () => (await effects()) === 20, 30_000)
  assert.is(await effects(), 20)
  await one.stop()
})

test('everything ends', async () => {
  await database.stop()
  await fake.stop()
  await server.stop()
})

test.run()
