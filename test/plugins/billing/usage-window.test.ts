import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { windowOf } from '../../../plugins/billing/usage-window.ts'

const none = { active: false, periodStart: null, periodEnd: null }
const period = {
  active: true,
  periodStart: '2026-01-31T10:00:00.000Z',
  periodEnd: '2026-02-28T10:00:00.000Z',
}

const windows = [
  ['day', none, '2026-12-31T23:59:59.999Z', '2026-12-31', '2027-01-01'],
  ['day', period, '2027-01-01T00:00:00.000Z', '2027-01-01', '2027-01-02'],
  ['month', period, '2026-12-31T23:59:59.999Z', '2026-12-01', '2027-01-01'],
  ['month', none, '2028-02-29T12:00:00.000Z', '2028-02-01', '2028-03-01'],
  ['period', none, '2026-03-01T00:00:00.000Z', '2026-03-01', '2026-04-01'],
  ['period', { ...period, active: false }, '2026-02-10T00:00:00.000Z', '2026-02-01', '2026-03-01'],
  ['period', period, '2026-02-28T09:59:59.999Z', '2026-01-31T10:00', '2026-02-28T10:00'],
] as const

for (const [per, state, now, start, end] of windows) {
  const whose = state.active ? 'with a subscription' : 'without one'
  test(`a limit for the ${per} ${whose} at ${now} is that from ${start} to ${end}`, () => {
    const window = windowOf(per, state, new Date(now))

    assert.ok(window.start.toISOString().startsWith(start))
    assert.ok(window.resetAt.startsWith(end))
  })
}

test('a renewal that nobody told of has begun, and so has the one after it', () => {
  const first = windowOf('period', period, new Date('2026-02-28T10:00:00.000Z'))
  const second = windowOf('period', period, new Date('2026-04-01T00:00:00.000Z'))

  assert.is(first.start.toISOString(), period.periodEnd)
  assert.is(second.start.toISOString(), first.resetAt)
  assert.ok(second.resetAt > '2026-04-01')
})

test.run()
