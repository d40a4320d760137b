import { test } from 'uvu'

import { storeFacts } from './store-facts.ts'
import { MemoryProjectStore } from './store-memory.ts'

const store = new MemoryProjectStore()
storeFacts(test, () => store)

test.run()
