import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { dashboardFaults } from '../../core/dashboard-faults.ts'
import { dashboardRow } from '../../core/dashboard.ts'
import type { DashboardRow } from '../../core/dashboard.ts'
import { counter, gauge, histogram } from '../../core/metric.ts'

const families = [
  counter({ name: 'shop_sold_total', help: 'Sold.', labels: { of: ['tea', 'cake'] }, on: {} }),
  histogram({ name: 'shop_wait_seconds', help: 'Waited.', labels: {}, buckets: [1], on: {} }),
  gauge({ name: 'shop_queue', help: 'Waiting.', collect: () => 1 }),
]

const asked = (...queries: readonly unknown[]): DashboardRow =>
  ({
    title: 'Shop',
    panels: [{ title: 'Sales', description: '', unit: 'short', queries }],
  }) as unknown as DashboardRow

test('a row of what there is has no fault', () => {
  const row = dashboardRow(families, {
    title: 'Shop',
    panels: [
      {
        title: 'All of it',
        description: 'Everything.',
        unit: 'short',
        queries: [
          { rate: 'shop_sold_total', by: ['of', 'instance'] },
          { share: { of: 'tea' }, of: 'shop_sold_total' },
          { quantile: 0.95, of: 'shop_wait_seconds' },
          { buckets: 'shop_wait_seconds' },
          { part: { sum: 'shop_queue' }, whole: { rate: 'shop_wait_seconds' } },
        ],
      },
    ],
  })

  assert.equal(dashboardFaults(row, families), [])
})

test('a metric that there is not is named, also inside of a ratio', () => {
  const row = asked({ rate: 'shop_sales_total' }, { part: { sum: 'a' }, whole: { max: 'b' } })

  assert.equal(dashboardFaults(row, families), [
    "'Sales': there is no metric shop_sales_total",
    "'Sales': there is no metric a",
    "'Sales': there is no metric b",
  ])
})

test('a label that the metric has not is named, in where, by and share', () => {
  const row = asked(
    { rate: 'shop_sold_total', where: { kind: 'tea' } },
    { max: 'shop_queue', by: ['of'] },
    { share: { size: 'big' }, of: 'shop_sold_total' },
  )

  assert.equal(dashboardFaults(row, families), [
    "'Sales': shop_sold_total has no label kind",
    "'Sales': shop_queue has no label of",
    "'Sales': shop_sold_total has no label size",
  ])
})

test('a metric of another kind is named', () => {
  const row = asked({ quantile: 0.5, of: 'shop_queue' }, { min: 'shop_sold_total' })

  assert.equal(dashboardFaults(row, families), [
    "'Sales': shop_queue is a gauge, not histogram",
    "'Sales': shop_sold_total is a counter, not gauge",
  ])
})

test.run()
