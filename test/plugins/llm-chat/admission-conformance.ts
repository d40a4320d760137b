import { suite } from 'uvu'
import * as assert from 'uvu/assert'

import type { Admission } from '../../../plugins/llm-chat/admission.ts'

const limits = { concurrent: 3, requestsPerMinute: 5, tokensPerMinute: 100 }
const wide = { concurrent: 1_000, requestsPerMinute: 1_000, tokensPerMinute: 1_000_000 }

/** What every store of slots and minutes owes; `make` gives one that nobody has used. */
export function admissionConformance(name: string, make: () => Promise<Admission>): void {
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
  check.run()
}
