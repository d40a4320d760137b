import { TestClock } from 'autodocops/testing'

import { MemoryLedger } from '../../../plugins/llm-chat/ledger-memory.ts'
import { ledgerConformance } from './ledger-conformance.ts'

ledgerConformance('memory', async () => new MemoryLedger({ clock: new TestClock() }))
