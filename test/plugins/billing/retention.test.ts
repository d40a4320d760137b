/** What is thrown away in time, and what is kept for ever. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { rows } from '../../../plugins/billing/sql.ts'
import { embedded, emptied, instance } from './stage.ts'

const database = await embedded()
const one = await instance({ database, config: { retention: '35d' } })
const meter = 'chat.tokens'

test.before.each(() => emptied(database))

const old = `clock_timestamp() - interval '36 days'`
const fresh = `clock_timestamp() - interval '34 days'`

const kept = async (column: string, table: string) =>
  (await rows<{ name: string }>(database.knex, `select ${column} as name from ${table} order by 1`))
    .map(({ name }) => name)
    .join()

test('events that are done go after the retention; dead ones and those that wait stay', async () => {
  for (const status of ['done', 'ignored', 'dead', 'pending']) {
    for (const [age, at] of Object.entries({ old, fresh })) {
      await database.knex.raw(
        `insert into billing_events (event_id, dedupe_id, form, type, livemode, stripe_created, raw, status, received_at)
         values (:id, :id, 'snapshot', 'x', false, now(), '{}', :status, ${at})`,
        { id: `${status} ${age}`, status },
      )
    }
  }
  await one.worker.purge()

  const left = 'dead fresh,dead old,done fresh,ignored fresh,pending fresh,pending old'
  assert.is(await kept('event_id', 'billing_events'), left)
})

test('reservations that are settled go after the retention, and what was used is still counted', async () => {
  const reserve = async (key: string) => {
    const held = await one.billing.reserve('alice', meter, 10, { key, ttlMs: 60_000 })
    return held.ok ? held.id : ''
  }
  for (const age of ['old', 'fresh']) {
    await one.billing.commit(await reserve(`committed ${age}`), 7)
    await one.billing.release(await reserve(`released ${age}`))
    await reserve(`held ${age}`)
  }
  await database.knex.raw(
    `update billing_reservations set expires_at = case when key like '% old' then ${old} else ${fresh} end`,
  )
  await one.worker.purge()

  const left = 'committed fresh,held fresh,held old,released fresh'
  assert.is(await kept('key', 'billing_reservations'), left)
  assert.is((await one.billing.usage('alice', meter)).used, 14)
})

test('everything ends', async () => {
  await one.stop()
  await database.stop()
})

test.run()
