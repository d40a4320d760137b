import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  counter,
  events,
  gauge,
  histogram,
  open,
  upDown,
  type MeteredPlugin,
  type MetricFamily,
} from 'autodocops'
import { conformance, testPlugin } from 'autodocops/testing'

import metrics from '../../../plugins/metrics/index.ts'
import type { PrometheusMeter } from '../../../plugins/metrics/prometheus-meter.ts'

const Shop = events<{ 'shop:sold': { item: string; ms: number }; 'shop:moved': { by: number } }>(
  'shop',
)

const sold = counter({
  name: 'shop_sold_total',
  help: 'Sold.',
  labels: { item: open },
  from: Shop,
  on: { 'shop:sold': ({ item }) => ({ item }) },
})
const took = histogram({
  name: 'shop_duration_seconds',
  help: 'Took.',
  labels: { speed: ['slow', 'fast'] },
  buckets: [0.1, 1],
  from: Shop,
  on: { 'shop:sold': ({ ms }) => [{ speed: ms > 500 ? 'slow' : 'fast' }, ms / 1_000] },
})
const stock = gauge({ name: 'shop_stock', help: 'Stock.', collect: ({ n }: { n: number }) => n })
const queue = upDown({
  name: 'shop_queue',
  help: 'Waiting.',
  from: Shop,
  on: { 'shop:moved': ({ by }) => [{}, by] },
})

const shop = (
  n: number,
  families: readonly MetricFamily<never>[] = [sold, took, stock, queue],
): MeteredPlugin => ({ plugin: 'shop', families, services: { n } }) as MeteredPlugin

async function started(config = {}) {
  const tested = await testPlugin(metrics, { config: { runtime: false, ...config } })
  const meter = tested.services['meter'] as PrometheusMeter
  return { tested, meter, line: async (name: string) => linesOf(await meter.render(), name) }
}

const linesOf = (text: string, name: string) =>
  text.split('\n').filter((line) => line.startsWith(name))

test('an event is counted under the labels that its family says', async () => {
  const { tested, meter, line } = await started()
  meter.use([shop(1)])

  tested.emit(Shop, 'shop:sold', { item: 'tea', ms: 700 })
  tested.emit(Shop, 'shop:sold', { item: 'tea', ms: 50 })
  tested.emit(Shop, 'shop:moved', { by: 3 })
  tested.emit(Shop, 'shop:moved', { by: -1 })

  assert.equal(await line('shop_sold_total'), ['shop_sold_total{item="tea"} 2'])
  assert.ok(
    (await line('shop_duration_seconds_count')).includes(
      'shop_duration_seconds_count{speed="slow"} 1',
    ),
  )
  assert.equal(await line('shop_queue'), ['shop_queue 2'])
  await tested.stop()
})

test('closed label sets are there from the start, at 0', async () => {
  const { tested, meter, line } = await started()

  meter.use([shop(1)])

  assert.equal(await line('shop_duration_seconds_count'), [
    'shop_duration_seconds_count{speed="slow"} 0',
    'shop_duration_seconds_count{speed="fast"} 0',
  ])
  await tested.stop()
})

test('an amount is in the bucket whose bound it does not pass, and in all above', async () => {
  const { tested, meter, line } = await started()
  meter.use([shop(1)])

  for (const ms of [100, 501, 1_000, 1_001]) tested.emit(Shop, 'shop:sold', { item: 'tea', ms })

  const [bucket, slow] = ['shop_duration_seconds_bucket', 'speed="slow"']
  assert.ok((await line(bucket)).includes(`${bucket}{le="0.1",speed="fast"} 1`))
  assert.equal(
    (await line(bucket)).filter((one) => one.includes(slow)),
    [
      `${bucket}{le="0.1",${slow}} 0`,
      `${bucket}{le="1",${slow}} 2`,
      `${bucket}{le="+Inf",${slow}} 3`,
    ],
  )
  assert.ok(
    (await line('shop_duration_seconds_sum')).includes(
      `shop_duration_seconds_sum{${slow}} ${0.501 + 1 + 1.001}`,
    ),
  )
  await tested.stop()
})

test('a label value is escaped, and a number is the same label as its text', async () => {
  const { tested, meter, line } = await started()
  meter.use([shop(1)])

  for (const item of ['7', 7 as never, 'a "b"\n\\']) tested.emit(Shop, 'shop:sold', { item, ms: 1 })

  assert.equal(await line('shop_sold_total'), [
    'shop_sold_total{item="7"} 2',
    String.raw`shop_sold_total{item="a \"b\"\n\\"} 1`,
  ])
  await tested.stop()
})

test('a counter does not go down, no metric takes what is no number, and both are told', async () => {
  const { tested, meter, line } = await started()
  const weight = counter({
    name: 'shop_weight_total',
    help: 'Weight.',
    from: Shop,
    on: { 'shop:moved': ({ by }) => [{}, by] },
  })
  meter.use([shop(1, [weight, queue])])

  for (const by of [5, -2, Number.NaN]) tested.emit(Shop, 'shop:moved', { by })

  assert.equal(await line('shop_weight_total'), ['shop_weight_total 5'])
  assert.equal(await line('shop_queue'), ['shop_queue 3'])
  assert.is(tested.logs.filter(({ message }) => message === 'a listener failed').length, 3)
  await tested.stop()
})

test('counters survive a reload, and gauges read the instance of now', async () => {
  const { tested, meter, line } = await started()
  meter.use([shop(1)])
  tested.emit(Shop, 'shop:sold', { item: 'tea', ms: 1 })

  meter.use([shop(2)])
  tested.emit(Shop, 'shop:sold', { item: 'tea', ms: 1 })

  assert.equal(await line('shop_sold_total'), ['shop_sold_total{item="tea"} 2'])
  assert.equal(await line('shop_stock'), ['shop_stock 2'])
  await tested.stop()
})

test('a distribution whose label sets are known beforehand keeps its numbers over a reload', async () => {
  const { tested, meter, line } = await started()
  const known = [{ known: () => [{ speed: 'fast' }], ...took }]
  meter.use([shop(1, known)])
  tested.emit(Shop, 'shop:sold', { item: 'tea', ms: 1 })

  meter.use([shop(2, known)])

  assert.equal(await line('shop_duration_seconds_count'), [
    'shop_duration_seconds_count{speed="slow"} 0',
    'shop_duration_seconds_count{speed="fast"} 1',
  ])
  await tested.stop()
})

test('known label sets are those of the moment when somebody asks', async () => {
  const { tested, meter, line } = await started()
  const items = ['tea']
  meter.use([shop(1, [{ known: () => items.map((item) => ({ item })), ...sold }])])
  items.push('cake')

  assert.equal(await line('shop_sold_total'), [
    'shop_sold_total{item="tea"} 0',
    'shop_sold_total{item="cake"} 0',
  ])
  await tested.stop()
})

test('the families of a plugin that was switched off are gone, and come back from 0', async () => {
  const { tested, meter, line } = await started()
  meter.use([shop(1)])
  tested.emit(Shop, 'shop:moved', { by: 5 })

  meter.use([])
  const without = await line('shop_queue')
  meter.use([shop(1)])

  assert.equal(without, [])
  assert.equal(await line('shop_queue'), ['shop_queue 0'])
  await tested.stop()
})

test('ten thousand made-up labels leave as many series as the cap, and say so', async () => {
  const { tested, meter, line } = await started({ maxSeries: 100 })
  const [own] = [tested.plugin.metrics]
  meter.use([shop(1), { plugin: 'metrics', families: own, services: tested.services }])

  for (let i = 0; i < 10_000; i += 1) tested.emit(Shop, 'shop:sold', { item: `item-${i}`, ms: 1 })

  const lines = await line('shop_sold_total')
  assert.is(lines.length, 101)
  assert.ok(lines.includes('shop_sold_total{item="__overflow__"} 9900'))
  const dropped = await line('metrics_series_dropped_total')
  assert.equal(
    dropped.filter((one) => !one.endsWith(' 0')),
    ['metrics_series_dropped_total{metric="shop_sold_total"} 9900'],
  )
  assert.ok(dropped.includes('metrics_series_dropped_total{metric="shop_stock"} 0'))
  await tested.stop()
})

test('what is beyond the cap keeps its closed labels, and a gauge that is read obeys the cap too', async () => {
  const { tested, meter, line } = await started({ maxSeries: 2 })
  const moved = counter({
    name: 'shop_moved_total',
    help: 'Moved.',
    labels: { item: open, speed: ['slow', 'fast'] },
    from: Shop,
    on: { 'shop:sold': ({ item, ms }) => ({ item, speed: ms > 500 ? 'slow' : 'fast' }) },
  })
  const shelves = gauge({
    name: 'shop_shelves',
    help: 'Shelves.',
    labels: { shelf: open },
    collect: () => ['a', 'b', 'c', 'd'].map((shelf) => [{ shelf }, 1] as const),
  })
  meter.use([shop(1, [moved, shelves])])

  for (const item of ['a', 'b', 'c', 'd']) tested.emit(Shop, 'shop:sold', { item, ms: 900 })

  assert.equal(await line('shop_moved_total'), [
    'shop_moved_total{item="a",speed="slow"} 1',
    'shop_moved_total{item="b",speed="slow"} 1',
    'shop_moved_total{item="__overflow__",speed="slow"} 2',
  ])
  assert.equal(await line('shop_shelves'), [
    'shop_shelves{shelf="a"} 1',
    'shop_shelves{shelf="b"} 1',
    'shop_shelves{shelf="__overflow__"} 2',
  ])
  await tested.stop()
})

test('a metric or label whose name Prometheus refuses is refused at the start', async () => {
  const { tested, meter } = await started()
  const named = (name: string, label: string) => ({ ...sold, name, labels: { [label]: open } })

  assert.throws(() => meter.use([shop(1, [named('shop-sold', 'item')])]), /'shop-sold' is no name/)
  assert.throws(() => meter.use([shop(1, [named('shop_a', '0')])]), /'0' is no name/)
  assert.throws(() => meter.use([shop(1, [named('shop_b', 'le')])]), /'le' is no name/)
  await tested.stop()
})

test('scrapes that ask at once share one rendering', async () => {
  const { tested, meter } = await started()
  const reads = { count: 0 }
  const counted = gauge({ name: 'shop_reads', help: 'Reads.', collect: () => (reads.count += 1) })
  meter.use([shop(1, [counted])])

  const texts = await Promise.all([meter.render(), meter.render(), meter.render()])

  assert.is(reads.count, 1)
  assert.is(new Set(texts).size, 1)
  await tested.stop()
})

test('a gauge that cannot be read is left out and logged, and the rest is rendered', async () => {
  const { tested, meter, line } = await started()
  const broken = gauge({
    name: 'shop_broken',
    help: 'Broken.',
    collect: () => {
      throw new Error('no shop')
    },
  })
  meter.use([shop(3, [broken, stock])])

  assert.equal(await line('shop_stock'), ['shop_stock 3'])
  assert.equal(await line('shop_broken'), [])
  assert.ok(tested.logs.some(({ message }) => message === 'a metric could not be read'))
  await tested.stop()
})

test.run()
conformance(metrics, { config: { runtime: false } })
