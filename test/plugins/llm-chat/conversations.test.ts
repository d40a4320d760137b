import { randomBytes } from 'node:crypto'

import { TestClock } from 'autodocops/testing'

import { uuidv7 } from '../../../core/provide.ts'
import { MemoryConversations } from '../../../plugins/llm-chat/conversations-memory.ts'
import { conversationsConformance } from './conversations-conformance.ts'

conversationsConformance('memory', async () => {
  const clock = new TestClock()
  const random = {
    uuid: () => uuidv7(clock.now(), randomBytes(10)),
    bytes: randomBytes,
    float: Math.random,
  }
  return {
    conversations: new MemoryConversations({ clock, random }),
    jump: async (ms) => clock.jump(ms),
  }
})
