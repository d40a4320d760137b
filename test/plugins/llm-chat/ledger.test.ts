import { TestClock } from 'autodocops/testing'

import { MemoryLedger } from '../../../plugins/llm-chat/ledger-memory.ts'
import { ledgerConformance } from './ledger-conformance.ts'

const middleOfMonth = 14 * 86_400_000

ledgerConformance('memory', async () => {
  const clock = new TestClock()
  clock.jump(middleOfMonth)
  return {
    ledger: new MemoryLedger({ clock }),
    pass: async (ms) => clock.advance(ms),
    jump: async (ms) => clock.jump(ms),
  }
})
