import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from '../harness/postgres.ts'
import { endsOf, formats, observe, requestOf } from '../plugins/llm-chat/fault-matrix.ts'
import { inTime } from '../plugins/llm-chat/in-time.ts'
import { rounds, serve } from '../plugins/llm-chat/server.ts'
import { FaultUpstream, wish } from '../plugins/llm-chat/upstream.ts'

const streams = rounds(40)
const { url } = await postgres()
const upstream = await new FaultUpstream().start()
test.after(() => upstream.stop())

async function outcomes(): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const sql = `SELECT outcome, estimated, output_tokens > 0 AS "hasOutput", count(*)::int AS count
    FROM llm_chat_generations GROUP BY 1, 2, 3`
  const held = 'SELECT sum(reserved)::int AS held FROM llm_chat_balances'
  const { rows } = await client.query(sql)
  const [sum] = (await client.query(held)).rows
  await client.end()
  return [...rows, sum]
}

test('a server that stops ends every answer once, stops the model, and books what was written', async () => {
  const app = await serve({ baseUrl: upstream.url, model: 'm' }, [], {
    plugins: { database: { config: { url } } },
    server: { drain: '500ms' },
  })
  const endless = wish({ tokens: 1_000_000, delayMs: 50 })
  const replies = await Promise.all(
    Array.from({ length: streams }, async (_, index) => {
      const format = formats[index % formats.length] ?? 'text'
      const { path, body, accept } = requestOf(format, endless)
      return { format, reply: await app.post(path, body, { accept }) }
    }),
  )
  const reading = replies.map(async ({ format, reply }) => ({
    format,
    seen: await observe(Promise.resolve(reply)),
  }))

  await inTime('the end of the server', app.stop())

  for (const { format, seen } of await inTime('the end of every answer', Promise.all(reading))) {
    if (format === 'text') assert.not(seen.isComplete)
    else assert.equal({ format, ...endsOf(format, seen) }, { format, good: 0, bad: 1 })
  }
  assert.is(upstream.active, 0)
  assert.equal(await outcomes(), [
    { outcome: 'aborted', estimated: true, hasOutput: true, count: streams },
    { held: 0 },
  ])
})

test.run()
