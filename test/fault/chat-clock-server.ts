/** An instance of its own process, whose clock can be set: prints its URL, and lives until it is killed. */
import process from 'node:process'

import { isMain, startChild } from '../plugins/llm-chat/child.ts'
import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'

export interface Places {
  readonly redis: string
  readonly database: string
  readonly config: Readonly<Record<string, unknown>>
}

export const startInstance = (places: Places, env: Readonly<Record<string, string>> = {}) =>
  startChild(import.meta.url, [JSON.stringify(places)], env)

if (isMain(import.meta.url)) {
  const { redis, database, config } = JSON.parse(process.argv[2] ?? '') as Places
  const app = await serveOnRedis(redis, 'chat-clock:', config, database)
  console.log(app.url)
}
