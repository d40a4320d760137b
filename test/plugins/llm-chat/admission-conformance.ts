import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import { leaseMs, windowMs } from '../../../plugins/llm-chat/admission.ts'
import type { Admission } from '../../../plugins/llm-chat/admission.ts'

const limits = { concurrent: 3, requestsPerMinute: 5, tokensPerMinute: 100 }
const wide = { concurrent: 1_000, requestsPerMinute: 1_000, tokensPerMinute: 1_000_000 }

const hour = 3_600_000

export interface AdmissionRig {
  readonly admission: Admission
  /** Of another instance, where there are several. */
  readonly other: Admission
  readonly pass: (ms: number) => Promise<void>
  /** The clock by which it writes and judges is set, back when negative; no time passes. */
  readonly jump: (ms: number) => Promise<void>
}

/** What every store of slots and minutes owes; `rigged` gives one that nobody has used. */
export function admissionConformance(name: string, rigged: () => Promise<AdmissionRig>): void {
  const make = async () => (await rigged()).admission
  const check = suite(`admission in ${name}`)
  let count = 0
  const lease = (owner: string, tokens = 1) => ({ owner, tokens, id: `lease-${(count += 1)}` })

  check('as many run at once as the plan allows, and one that ends makes room', async () => {
    const admission = await make()
    const leases = [lease('a'), lease('a'), lease('a')]
    for (const one of leases) assert.ok((await admission.take(one, limits)).ok)

    const refused = await admission.take(lease('a'), limits)
    await admission.settle(leases[0] ?? lease('a'), 1)
    const admitted = await admission.take(lease('a'), limits)

    assert.is(refused.ok || refused.limit, 'concurrent')
    assert.ok(admitted.ok)
  })
  check('a hundred who ask at once get no more slots than there are', async () => {
    const admission = await make()
    const asked = Array.from({ length: 100 }, () => admission.take(lease('a'), limits))

    const admitted = (await Promise.all(asked)).filter(({ ok }) => ok)

    assert.is(admitted.length, limits.concurrent)
  })
  check('requests of a minute are counted, also those that have ended', async () => {
    const admission = await make()
    for (let round = 0; round < limits.requestsPerMinute; round += 1) {
      const one = lease('a')
      assert.ok((await admission.take(one, limits)).ok)
      await admission.settle(one, 1)
    }

    const refused = await admission.take(lease('a'), limits)

    assert.is(refused.ok || refused.limit, 'requests')
    assert.ok(!refused.ok && refused.retryAfterMs > 0 && refused.retryAfterMs <= 60_000)
  })
  check('tokens are taken as estimated and corrected to what they were', async () => {
    const admission = await make()
    const big = lease('a', 90)
    await admission.take(big, limits)
    const refused = await admission.take(lease('a', 20), limits)
    await admission.settle(big, 10)
    const admitted = await admission.take(lease('a', 90), limits)

    assert.is(refused.ok || refused.limit, 'tokens')
    assert.ok(admitted.ok && admitted.remainingTokens === 0)
  })
  check('a refusal takes nothing', async () => {
    const admission = await make()
    for (let round = 0; round < 20; round += 1) await admission.take(lease('a', 1_000), limits)

    const admitted = await admission.take(lease('a', 100), limits)

    assert.ok(admitted.ok && admitted.remainingRequests === limits.requestsPerMinute - 1)
  })
  check('users do not see each other', async () => {
    const admission = await make()
    for (let round = 0; round < 3; round += 1) await admission.take(lease('a'), limits)

    assert.ok((await admission.take(lease('b'), limits)).ok)
  })
  check('settling twice gives back once', async () => {
    const admission = await make()
    const one = lease('a', 50)
    await admission.take(one, limits)
    await admission.settle(one, 0)
    await admission.settle(one, 0)
    await admission.take(lease('a', 60), wide)

    const next = await admission.take(lease('a', 30), limits)

    assert.ok(next.ok && next.remainingTokens === 10)
  })
  check('what a minute before gets back gives the next one no more than it has', async () => {
    const { admission, pass } = await rigged()
    const long = lease('a', 90)
    await admission.take(long, limits)
    for (let seconds = 0; seconds < 60; seconds += 20) {
      await pass(20_000)
      await admission.renew([long])
    }
    await admission.take(lease('a', 10), limits)
    await admission.settle(long, 0)

    const next = await admission.take(lease('a', 100), limits)

    assert.ok(next.ok && next.remainingTokens === 0)
  })
  for (const ms of [-hour, -10_000, hour])
    check(`a clock that is set by ${ms} ms keeps nobody out for longer than a minute`, async () => {
      const { admission, pass, jump } = await rigged()
      for (let round = 0; round < limits.requestsPerMinute; round += 1) {
        const one = lease('a')
        await admission.take(one, limits)
        await admission.settle(one, 1)
      }
      await jump(ms)
      const now = await admission.take(lease('a'), limits)
      await pass(windowMs)

      assert.ok(now.ok || (now.retryAfterMs > 0 && now.retryAfterMs <= windowMs))
      assert.ok((await admission.take(lease('a'), limits)).ok)
    })
  for (const ms of [-hour, -10_000, hour])
    check(`a clock that is set by ${ms} ms keeps no slot whose instance is gone`, async () => {
      const { admission, other, pass, jump } = await rigged()
      for (let round = 0; round < limits.concurrent; round += 1)
        await other.take(lease('a'), limits)
      await jump(ms)
      await admission.take(lease('b'), limits)
      await admission.take(lease('a'), limits)
      await pass(leaseMs)

      assert.ok((await admission.take(lease('a'), limits)).ok)
    })
  for (const ms of [-hour, -10_000, hour])
    check(`a clock that is set by ${ms} ms gives no more slots than there are`, async () => {
      const { admission, pass, jump } = await rigged()
      const running = Array.from({ length: limits.concurrent }, () => lease('a'))
      for (const one of running) await admission.take(one, limits)
      const admitted = []
      for (let round = 0; round < 5; round += 1) {
        await jump(ms)
        admitted.push(await admission.take(lease('a'), limits))
        await pass(10_000)
        await admission.renew(running)
      }

      assert.equal(
        admitted.filter(({ ok }) => ok),
        [],
      )
    })
  check(
    'of forgotten slots another instance gives as many at most, and none after they are renewed',
    async () => {
      const { admission, other, jump } = await rigged()
      const few = { ...wide, concurrent: 3 }
      const running = Array.from({ length: few.concurrent }, () => lease('a'))
      for (const one of running) await admission.take(one, few)
      await jump(hour)
      const asked = Array.from({ length: 20 }, () => lease('a'))
      const answers = await Promise.all(asked.map((one) => other.take(one, few)))
      for (const one of asked) await other.settle(one, 0)
      await admission.renew(running)

      const refused = await other.take(lease('a'), few)

      assert.ok(answers.filter(({ ok }) => ok).length <= few.concurrent)
      assert.is(refused.ok || refused.limit, 'concurrent')
    },
  )
  check.run()
}
