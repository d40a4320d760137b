/** Instances that each remember what an owner has, in their own memory. */
import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { Announcer } from '../../../plugins/billing/announcer.ts'
import cachePlugin from '../../../plugins/cache/index.ts'
import { postgres } from '../../harness/postgres.ts'
import { until } from '../../harness/until.ts'
import { instance, onPostgres, quietStripe } from './stage.ts'

const database = await onPostgres((await postgres()).url)
const { fake, buy } = await quietStripe(31)
const caches = [await testPlugin(cachePlugin), await testPlugin(cachePlugin)]
const [here, there] = await Promise.all(
  caches.map(({ services: { cache } }) => instance({ database, fake, services: { cache } })),
)
if (!here || !there) throw new Error('two instances')
const announcer = there.plugin.services['announcer'] as Announcer

/** Once the connection hears one channel it hears the other, which it was told of before it was open. */
async function listening(): Promise<void> {
  let isHeard = false
  const deafen = database.listen('of_this_test', () => (isHeard = true))
  announcer.listen()
  await until(async () => {
    await database.knex.raw(`select pg_notify('of_this_test', '')`)
    return isHeard
  })
  deafen()
}

test('what an owner has is forgotten by all instances at once, and not when a minute is over', async () => {
  await listening()
  const planThere = async () => (await there.billing.plan('alice')).plan
  assert.is((await here.billing.plan('alice')).plan, 'free')
  assert.is(await planThere(), 'free')

  const sub = buy('alice')
  await here.synchroniser.sync(sub)
  assert.is((await here.billing.plan('alice')).plan, 'pro')
  await until(async () => (await planThere()) === 'pro')

  fake.billing.cancelSubscription(sub)
  await here.synchroniser.sync(sub)
  await until(async () => (await planThere()) === 'free')
  announcer.deafen()
})

test('without hearing it an instance is a minute behind, and no longer', async () => {
  const planThere = async () => (await there.billing.plan('bob')).plan
  assert.is(await planThere(), 'free')
  await here.synchroniser.sync(buy('bob'))
  assert.is(await planThere(), 'free')

  for (const { clock } of caches) clock.advance(61_000)
  assert.is(await planThere(), 'pro')
})

test('everything ends', async () => {
  for (const one of [here, there, ...caches]) await one.stop()
  await fake.stop()
  await database.stop()
})

test.run()
