/** A server of its own process, to be killed: prints its URL, and lives until then. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'

const script = fileURLToPath(import.meta.url)

/** Redis, key prefix, and the database, if any. */
export async function startProducer(
  ...places: readonly string[]
): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const flags = 'Deno' in globalThis ? ['run', '-A', '--conditions=source'] : process.execArgv
  const child = spawn(process.execPath, [...flags, script, ...places], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return { url, child }
}

if (process.argv[1] === script) {
  const [url = '', prefix = '', databaseUrl] = process.argv.slice(2)
  const app = await serveOnRedis(url, prefix, {}, databaseUrl)
  console.log(app.url)
}
