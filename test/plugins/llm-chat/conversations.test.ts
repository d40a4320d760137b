import { TestClock } from 'autodocops/testing'

import { MemoryConversations } from '../../../plugins/llm-chat/conversations-memory.ts'
import { conversationsConformance } from './conversations-conformance.ts'

conversationsConformance('memory', async () => new MemoryConversations({ clock: new TestClock() }))
