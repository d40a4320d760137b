/** A server of its own process, to be killed: prints its URL, and lives until then. */
import process from 'node:process'

import { isMain, startChild } from '../plugins/llm-chat/child.ts'
import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'

/** Redis, key prefix, and the database, if any. */
export const startProducer = (...places: readonly string[]) => startChild(import.meta.url, places)

if (isMain(import.meta.url)) {
  const [url = '', prefix = '', databaseUrl] = process.argv.slice(2)
  const app = await serveOnRedis(url, prefix, {}, databaseUrl)
  console.log(app.url)
}
