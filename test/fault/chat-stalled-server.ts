/** A server of its own process, whose memory is looked at: prints its URL and that of its memory; lives until it is killed. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { isMain, startChild } from '../plugins/llm-chat/child.ts'
import { serve } from '../plugins/llm-chat/server.ts'

export async function startServing(config: object) {
  const { url: urls, child } = await startChild(import.meta.url, [JSON.stringify(config)])
  const [url = '', memoryUrl = ''] = urls.split(' ')
  const keptBytes = async () => Number(await (await fetch(memoryUrl)).text())
  return { url, child, keptBytes }
}

/** What is still used after everything else has been collected: strings and objects, and buffers beside them. */
async function keptBytes(collect: () => void): Promise<number> {
  for (let count = 0; count < 4; count += 1) {
    collect()
    await sleep(50)
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  // Node counts what waits to be written among the latter only, Deno counts none of them.
  return heapUsed + Math.max(external, arrayBuffers)
}

if (isMain(import.meta.url)) {
  const app = await serve(JSON.parse(process.argv[2] ?? '{}') as Record<string, unknown>)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const memory = createServer((_request, response) => {
    void keptBytes(collect).then((bytes) => response.end(String(bytes)))
  }).listen(0, '127.0.0.1')
  await once(memory, 'listening')
  console.log(`${app.url} http://127.0.0.1:${(memory.address() as AddressInfo).port}`)
}
