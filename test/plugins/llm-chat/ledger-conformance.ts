import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import { confirmMs, rowLeaseMs } from '../../../plugins/llm-chat/ledger.ts'
import type { Ledger } from '../../../plugins/llm-chat/ledger.ts'

const hour = 3_600_000
const day = 24 * hour

export interface LedgerRig {
  readonly ledger: Ledger
  readonly pass: (ms: number) => Promise<void>
  /** The clock by which it writes and judges is set, back when negative; no time passes. */
  readonly jump: (ms: number) => Promise<void>
}

/** What every ledger owes; `rigged` gives one that may have other owners' rows. */
export function ledgerConformance(name: string, rigged: () => Promise<LedgerRig>): void {
  const make = async () => (await rigged()).ledger
  const check = suite(`the ledger in ${name}`)
  let count = 0
  const fresh = () => `owner-${name}-${(count += 1)}`
  const opening = (owner: string, limit: number | null = null) => ({
    id: `strm_${name}_${(count += 1)}`,
    owner,
    model: 'm',
    inputTokens: 10,
    reserved: 100,
    limit,
  })
  const held = async (ledger: Ledger, owner: string) => {
    const { used, reserved } = await ledger.balance(owner)
    return { used, reserved }
  }
  /** Whatever instance looks, with beats in between. */
  const reapAll = async ({ ledger, pass }: LedgerRig) => {
    const ids = [...(await ledger.reap())]
    await pass(confirmMs)
    return [...ids, ...(await ledger.reap())]
  }
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
    const before = await held(ledger, row.owner)
    await ledger.close(closing(row.id, 9, 21))

    assert.equal(before, { used: 0, reserved: 100 })
    assert.equal(await held(ledger, row.owner), { used: 30, reserved: 0 })
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

    assert.equal(await held(ledger, row.owner), { used: 3, reserved: 0 })
  })
  check('of a hundred who ask at once for a limit of ten, ten are let in', async () => {
    const ledger = await make()
    const owner = fresh()
    const over: number[] = []
    const asked = Array.from({ length: 100 }, async (_, index) => {
      const isIn = await ledger.open(opening(owner, 1_000))
      if (index % 10 === 0) {
        const { used, reserved } = await ledger.balance(owner)
        if (used + reserved > 1_000) over.push(used + reserved)
      }
      return isIn
    })

    const admitted = (await Promise.all(asked)).filter(Boolean)

    assert.is(admitted.length, 10)
    assert.equal(over, [])
    assert.equal(await held(ledger, owner), { used: 0, reserved: 1_000 })
  })
  check('one that alone is over the limit is not let in', async () => {
    const ledger = await make()

    assert.is(await ledger.open(opening(fresh(), 99)), false)
  })
  check('a row whose instance is gone is closed as lost, with what it had written', async () => {
    const rig = await rigged()
    const { ledger } = rig
    const lost = opening(fresh())
    const alive = opening(lost.owner)
    await ledger.open(lost)
    await ledger.checkpoint([{ id: lost.id, outputTokens: 7 }])
    await rig.pass(rowLeaseMs + 1)
    await ledger.open(alive)

    const reaped = await reapAll(rig)

    assert.ok(reaped.includes(lost.id))
    assert.not(reaped.includes(alive.id))
    assert.not((await ledger.reap()).includes(lost.id))
    assert.equal(await held(ledger, lost.owner), { used: 17, reserved: 100 })
    assert.is((await ledger.row(lost.id))?.outcome, 'lost')
    assert.is((await ledger.row(alive.id))?.outcome, null)
  })
  check('what was taken for lost and ends after all is booked as it was, once', async () => {
    const rig = await rigged()
    const { ledger } = rig
    const row = opening(fresh())
    await ledger.open(row)
    await ledger.checkpoint([{ id: row.id, outputTokens: 7 }])
    await rig.pass(rowLeaseMs + 1)
    await reapAll(rig)
    const before = await held(ledger, row.owner)

    await ledger.close(closing(row.id, 50, 51))
    await ledger.close(closing(row.id, 60, 61))

    assert.equal(before, { used: 17, reserved: 0 })
    assert.equal(await held(ledger, row.owner), { used: 101, reserved: 0 })
    const { owner } = row
    const usage = { inputTokens: 50, outputTokens: 51, estimated: false }
    assert.equal(await ledger.row(row.id), { owner, outcome: 'ok', ...usage })
  })
  check('rows that end while they are taken for lost are counted once, as they were', async () => {
    const rig = await rigged()
    const { ledger } = rig
    const owner = fresh()
    const rows = Array.from({ length: 20 }, () => opening(owner))
    for (const row of rows) await ledger.open(row)
    await rig.pass(rowLeaseMs + 1)
    await ledger.reap()
    await rig.pass(confirmMs)

    const ends = rows.flatMap(({ id }) => [1, 2].map(() => ledger.close(closing(id, 3, 4))))
    await Promise.all([ledger.reap(), ...ends, ledger.reap()])

    assert.equal(await held(ledger, owner), { used: 140, reserved: 0 })
    for (const { id } of rows) assert.is((await ledger.row(id))?.outcome, 'ok')
  })
  check('a row that is renewed is never lost, wherever the clock is set', async () => {
    const { ledger, pass, jump } = await rigged()
    const row = opening(fresh())
    await ledger.open(row)
    const reaped: string[] = []
    for (const ms of [hour, -hour, -hour, 2 * hour, hour, -2 * hour]) {
      await jump(ms)
      reaped.push(...(await ledger.reap()))
      await pass(confirmMs - 1)
      await ledger.checkpoint([{ id: row.id, outputTokens: 1 }])
      await pass(1)
      reaped.push(...(await ledger.reap()))
    }

    assert.not(reaped.includes(row.id))
    assert.equal(await held(ledger, row.owner), { used: 0, reserved: 100 })
  })
  for (const ms of [hour, -hour, 10 * day, -10 * day])
    check(`a clock that is set by ${ms} ms keeps no row whose instance is gone`, async () => {
      const rig = await rigged()
      const row = opening(fresh())
      await rig.ledger.open(row)
      await rig.jump(ms)
      await rig.pass(rowLeaseMs + 1)

      assert.ok((await reapAll(rig)).includes(row.id))
      assert.equal(await held(rig.ledger, row.owner), { used: 10, reserved: 0 })
    })
  check('a month does not count another month', async () => {
    const { ledger, pass } = await rigged()
    const row = opening(fresh(), 100)
    await ledger.open(row)
    const isIn = await ledger.open(opening(row.owner, 100))
    await pass(31 * day)

    assert.is(isIn, false)
    assert.is(await ledger.open(opening(row.owner, 100)), true)
    await ledger.close(closing(row.id, 1, 2))
    assert.equal(await held(ledger, row.owner), { used: 0, reserved: 100 })
    assert.match((await ledger.balance(row.owner)).resetAt, /^\d{4}-\d\d-01T00:00:00\.000Z$/)
  })
  check(
    'how long it is until the next month is told by the clock that counts the month',
    async () => {
      const { ledger, jump } = await rigged()
      const { resetMs: before } = await ledger.balance(fresh())
      await jump(hour)
      const { resetMs: after } = await ledger.balance(fresh())
      await jump(-hour)

      assert.ok(before > hour && before <= 31 * day, `${before} ms`)
      // Some time has passed, too.
      assert.ok(before - after >= hour && before - after < 2 * hour, `${before} ms, then ${after}`)
    },
  )
  check.run()
}
