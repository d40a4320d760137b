import { rm } from 'node:fs/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from '../harness/postgres.ts'
import { redis } from '../harness/redis.ts'
import { embeddedFolder } from '../plugins/database/embedded-folder.ts'
import { serveOnRedis } from '../plugins/llm-chat/on-redis.ts'
import { serve } from '../plugins/llm-chat/server.ts'
import type { Served } from '../plugins/llm-chat/server.ts'

const query = 'What is streaming?'
/** Less than the answer has: each one uses all that was reserved for it, whenever it ends. */
const maxOutputTokens = 40
/** Four for the message, and a quarter of its bytes. */
const estimated = 4 + Math.ceil(Buffer.byteLength(query) / 4)

interface Usage {
  readonly used: number
  readonly reserved: number
  readonly limit: number
}

const { url: database } = await postgres()
const { url: redisUrl, prefix } = await redis()
const dataDir = await embeddedFolder()
test.after(() => rm(dataDir, { recursive: true, force: true }))

type Config = Readonly<Record<string, unknown>>

const worlds: Readonly<Record<string, (config: Config) => Promise<readonly Served[]>>> = {
  'in memory': async (config) => [await serve(config)],
  'in the embedded database': async (config) => [
    // It has one session, for which a hundred wait; on a busy machine longer than a request would.
    await serve(config, [], {
      plugins: { database: { config: { deadlines: { poolWait: '60s' } } } },
      server: { dataDir },
    }),
  ],
  'in Postgres, for two instances over Redis': async (config) => [
    await serveOnRedis(redisUrl, prefix, config, database),
    await serveOnRedis(redisUrl, prefix, config, database),
  ],
}

for (const [where, start] of Object.entries(worlds))
  test(`a hundred at once get as many answers as the quota holds, and never one more: ${where}`, async () => {
    const tokensPerMonth = 10 * (estimated + maxOutputTokens)
    const apps = await start({ fakeDelay: '3ms', limits: { tokensPerMonth } })
    const app = apps[0] as Served
    const usage = async () => (await (await app.get('/chat/usage')).json()) as Usage
    const over: number[] = []
    let isRunning = true
    const watching = (async () => {
      while (isRunning) {
        const { used, reserved } = await usage()
        if (used + reserved > tokensPerMonth) over.push(used + reserved)
      }
    })()

    const replies = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const asked = apps[index % apps.length] as Served
        const reply = await asked.post('/chat', { query, maxOutputTokens })
        return { status: reply.status, body: (await reply.json()) as Reply }
      }),
    )
    isRunning = false
    await watching
    const admitted = replies.filter(({ status }) => status === 200)
    const spent = admitted.reduce((sum, { body }) => {
      const { inputTokens = 0, outputTokens = 0 } = body.usage ?? {}
      return sum + inputTokens + outputTokens
    }, 0)
    const settled = await usage()
    for (const one of apps) await one.stop()

    const refused = replies.filter(({ status }) => status !== 200)
    assert.is(admitted.length, 10)
    assert.equal([...new Set(refused.map(({ body }) => body.code))], ['chat_quota_exceeded'])
    assert.equal(over, [])
    assert.equal([settled.used, settled.reserved], [spent, 0])
  })

interface Reply {
  readonly code?: string
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number }
}

test.run()
