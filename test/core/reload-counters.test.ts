/** What was counted, over reloads: also of the plugin that counts, and of one that cannot be counted. */
import { counter, definePlugin, events, open as anything } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import metrics from '../../plugins/metrics/index.ts'
import { about, booted, both, planOf, refusal, type Entry } from './host-fixture.ts'

const Shop = events<{ 'shop:sold': { item: string } }>('shop')
const sold = (name: string) =>
  counter({
    name,
    help: 'Sold.',
    labels: { item: anything },
    from: Shop,
    on: { 'shop:sold': ({ item }) => ({ item }) },
  })

/** Sells one thing at each start. */
const shop = (n: number, name = 'shop_sold_total'): Entry => ({
  plugin: definePlugin({
    name: 'shop',
    ...about,
    metrics: [known.get(name) ?? sold(name)],
    activate: ({ events: bus }) => bus.emit(Shop, 'shop:sold', { item: 'tea' }),
  }),
  config: { n },
})
/** A module makes its families once. */
const known = new Map([['shop_sold_total', sold('shop_sold_total')]])

const counting = (...entries: readonly Entry[]): readonly Entry[] => [
  { plugin: metrics as unknown as Entry['plugin'], config: { runtime: false } },
  ...entries,
]

async function counted(host: { addresses: { operations: string } }, name: string) {
  const text = await (await fetch(`${host.addresses.operations}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(name))
  return Number(line?.split(' ')[1])
}

test('what was counted stays counted over reloads of the plugin that counts', async () => {
  const { host, plans } = await booted(counting(shop(0)))
  for (let n = 1; n <= 4; n += 1) {
    plans.next = planOf(counting(shop(n)))
    await host.reload()
  }
  plans.next = new Error('E_SYNTAX')
  await refusal(host.reload())

  assert.is(await counted(host, 'shop_sold_total{item="tea"}'), 5)
  assert.is(await counted(host, 'config_reloads_total{outcome="applied"}'), 4)
  assert.is(await counted(host, 'config_reloads_total{outcome="rejected"}'), 1)
})

test('a metric that cannot be counted rejects the reload; addresses and numbers stay', async () => {
  const { host, plans, read } = await booted(counting(shop(0), ...both(1)))
  const { addresses } = host

  plans.next = planOf(counting(shop(1, 'shop-sold'), ...both(2)), { host: 'localhost' })
  const error = await refusal(host.reload())

  assert.match(error.message, "'shop-sold' is no name")
  assert.equal(host.addresses, addresses)
  assert.is((await read()).body['after'], 'pool 1')
  plans.next = planOf(counting(shop(2), ...both(2)))
  await host.reload()
  assert.is((await read()).body['after'], 'pool 2')
  assert.ok((await counted(host, 'shop_sold_total{item="tea"}')) >= 1)
})

test.run()
