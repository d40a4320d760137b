/** A server of its own process, to be killed: prints its URL, and lives until then. */
import process from 'node:process'

import { isMain, startChild } from '../plugins/llm-chat/child.ts'
import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'

/** Redis, key prefix, and the database, if any. */
export const startProducer = (...places: readonly string[]) => startChild(import.meta.url, places)

/** It is to be killed in the middle of an answer. */
const slow = { fakeDelay: '10ms' }

if (isMain(import.meta.url)) {
  const [url = '', prefix = '', databaseUrl] = process.argv.slice(2)
  const app = await serveOnRedis(url, prefix, slow, databaseUrl)
  console.log(app.url)
}
