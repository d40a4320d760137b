/** Asks one question of a fake model, then one of a real one; prints when the SDK was used. */
import process from 'node:process'

import { testPlugin } from 'autodocops/testing'

import llmChat from '../../../plugins/llm-chat/index.ts'

/** Whoever makes a client of the SDK, it asks the environment for its settings. */
const asked = new Set<string | symbol>()
const env = new Proxy(process.env, {
  get: (real, name) => {
    asked.add(name)
    return Reflect.get(real, name) as unknown
  },
})
Object.defineProperty(process, 'env', { value: env })
const isUsed = () => asked.has('OPENAI_WEBHOOK_SECRET') || asked.has('OPENAI_CUSTOM_HEADERS')

async function probe(config: object) {
  const app = await testPlugin(llmChat, { config })
  const before = isUsed()
  const question = { method: 'POST', url: '/chat', as: { subject: 'a' }, body: { query: 'x' } }
  const { status } = await app.inject(question)
  await app.stop()
  return { before, after: isUsed(), status }
}

const fake = await probe({ fake: true, fakeDelay: '0ms' })
const nowhere = { baseUrl: 'http://127.0.0.1:9/v1', model: 'm', timeouts: { connect: '100ms' } }
console.log(JSON.stringify({ fake, real: await probe(nowhere) }))
process.exit(0)
