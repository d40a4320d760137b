import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Ledger } from '../../../plugins/llm-chat/ledger.ts'

const period = '2026-11'

/** What every ledger owes; `make` gives one that may have other owners' rows. */
export function ledgerConformance(name: string, make: () => Promise<Ledger>): void {
  const check = suite(`the ledger in ${name}`)
  let count = 0
  const fresh = () => `owner-${name}-${(count += 1)}`
  const opening = (owner: string, limit: number | null = null, leaseMs = 60_000) => ({
    id: `strm_${name}_${(count += 1)}`,
    owner,
    model: 'm',
    period,
    inputTokens: 10,
    reserved: 100,
    limit,
    leaseMs,
  })
  const closing = (id: string, inputTokens: number, outputTokens: number) => ({
    id,
    provider: 'fake' as const,
    outcome: 'ok' as const,
    usage: { inputTokens, outputTokens, estimated: false },
    durationMs: 12.3,
  })

  check('an open row holds what it may cost, a closed one what it did', async () => {
    const ledger = await make()
    const row = opening(fresh())
    await ledger.open(row)
    const held = await ledger.balance(row.owner, period)
    await ledger.close(closing(row.id, 9, 21))

    assert.equal(held, { used: 0, reserved: 100 })
    assert.equal(await ledger.balance(row.owner, period), { used: 30, reserved: 0 })
    assert.equal(await ledger.row(row.id), {
      owner: row.owner,
      outcome: 'ok',
      inputTokens: 9,
      outputTokens: 21,
      estimated: false,
    })
  })
  check('closing a row twice is closing it once', async () => {
    const ledger = await make()
    const row = opening(fresh())
    await ledger.open(row)
    await Promise.all([1, 2, 3, 4].map(() => ledger.close(closing(row.id, 1, 2))))

    assert.equal(await ledger.balance(row.owner, period), { used: 3, reserved: 0 })
  })
  check('of a hundred who ask at once for a limit of ten, ten are let in', async () => {
    const ledger = await make()
    const owner = fresh()
    const over: number[] = []
    const asked = Array.from({ length: 100 }, async (_, index) => {
      const isIn = await ledger.open(opening(owner, 1_000))
      if (index % 10 === 0) {
        const { used, reserved } = await ledger.balance(owner, period)
        if (used + reserved > 1_000) over.push(used + reserved)
      }
      return isIn
    })

    const admitted = (await Promise.all(asked)).filter(Boolean)

    assert.is(admitted.length, 10)
    assert.equal(over, [])
    assert.equal(await ledger.balance(owner, period), { used: 0, reserved: 1_000 })
  })
  check('one that alone is over the limit is not let in', async () => {
    const ledger = await make()

    assert.is(await ledger.open(opening(fresh(), 99)), false)
  })
  check('a row whose instance is gone is closed as lost, with what it had written', async () => {
    const ledger = await make()
    const lost = opening(fresh(), null, -1)
    const alive = opening(lost.owner)
    await ledger.open(lost)
    await ledger.open(alive)
    await ledger.checkpoint([{ id: lost.id, outputTokens: 7 }], -1)

    const reaped = await ledger.reap()
    await ledger.close(closing(lost.id, 50, 50))

    assert.ok(reaped.includes(lost.id))
    assert.not(reaped.includes(alive.id))
    assert.not((await ledger.reap()).includes(lost.id))
    assert.equal(await ledger.balance(lost.owner, period), { used: 17, reserved: 100 })
    assert.is((await ledger.row(lost.id))?.outcome, 'lost')
    assert.is((await ledger.row(alive.id))?.outcome, null)
  })
  check('a month does not count another month', async () => {
    const ledger = await make()
    const row = opening(fresh(), 100)
    await ledger.open(row)

    assert.is(await ledger.open({ ...opening(row.owner, 100), period: '2026-12' }), true)
  })
  check.run()
}
