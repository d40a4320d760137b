/** Prints whose undici serves this process’ own `fetch` after a model was connected to. */
import process from 'node:process'

import { upstreamAgent } from '../../../plugins/llm-chat/upstream-fetch.ts'

await upstreamAgent(1_000)
const { Agent } = await import('undici')
const dispatcher: unknown = Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1'))
console.log(dispatcher instanceof Agent ? 'ours' : 'its own')
process.exit(0)
