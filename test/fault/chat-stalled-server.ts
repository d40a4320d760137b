/** A server of its own process, whose memory is looked at: prints its URL, and lives until it is killed. */
import process from 'node:process'

import { isMain, startChild } from '../plugins/llm-chat/child.ts'
import { serve } from '../plugins/llm-chat/server.ts'

export const startServing = (config: object) =>
  startChild(import.meta.url, [JSON.stringify(config)])

if (isMain(import.meta.url)) {
  const app = await serve(JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown>)
  console.log(app.url)
}
