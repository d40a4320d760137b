import { TestClock } from 'autodocops/testing'

import { MemoryConversations } from '../../../plugins/llm-chat/conversations-memory.ts'
import { conversationsConformance } from './conversations-conformance.ts'

conversationsConformance('memory', async () => {
  const clock = new TestClock()
  return {
    conversations: new MemoryConversations({ clock }),
    jump: async (ms) => clock.jump(ms),
  }
})
