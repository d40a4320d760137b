import { conformance } from 'autodocops/testing'

import llmChat from '../../../plugins/llm-chat/index.ts'

conformance(llmChat, { config: { fake: true }, metricPrefixes: ['llm'] })
