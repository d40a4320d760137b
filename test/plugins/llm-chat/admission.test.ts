import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { TestClock } from 'autodocops/testing'

import { leaseMs, windowMs } from '../../../plugins/llm-chat/admission.ts'
import { MemoryAdmission } from '../../../plugins/llm-chat/admission-memory.ts'
import { admissionConformance } from './admission-conformance.ts'

admissionConformance('memory', async () => {
  const clock = new TestClock()
  const admission = new MemoryAdmission({ clock })
  return {
    admission,
    other: admission,
    pass: async (ms) => clock.advance(ms),
    jump: async (ms) => clock.jump(ms),
  }
})

const limits = { concurrent: 1, requestsPerMinute: 2, tokensPerMinute: 100 }

test('a slot whose holder died comes back when its lease ends', async () => {
  const clock = new TestClock()
  const admission = new MemoryAdmission({ clock })
  const lost = { owner: 'a', id: 'lost', tokens: 1 }
  await admission.take(lost, limits)
  clock.advance(leaseMs - 1)
  const early = await admission.take({ ...lost, id: 'early' }, limits)
  clock.advance(1)

  assert.not(early.ok)
  assert.ok((await admission.take({ ...lost, id: 'late' }, limits)).ok)
})

test('a renewed slot is kept', async () => {
  const clock = new TestClock()
  const admission = new MemoryAdmission({ clock })
  const lease = { owner: 'a', id: 'long', tokens: 1 }
  await admission.take(lease, limits)
  for (let round = 0; round < 5; round += 1) {
    clock.advance(leaseMs - 1)
    await admission.renew([lease])
  }

  assert.not((await admission.take({ ...lease, id: 'other' }, limits)).ok)
})

test('a new minute forgets the old one', async () => {
  const clock = new TestClock()
  const admission = new MemoryAdmission({ clock })
  const take = (id: string) =>
    admission.take({ owner: 'a', id, tokens: 1 }, { ...limits, concurrent: 9 })
  await take('1')
  await take('2')
  const refused = await take('3')
  clock.advance(windowMs)

  assert.not(refused.ok)
  assert.ok((await take('4')).ok)
})

test.run()
