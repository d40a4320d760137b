/** How a broken answer looks to clients that are not `fetch`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { binary } from '../harness/binaries.ts'
import { answerOf, FaultUpstream, wish } from '../plugins/llm-chat/upstream.ts'
import { serve } from '../plugins/llm-chat/server.ts'

const upstream = await new FaultUpstream().start()
const app = await serve({ baseUrl: upstream.url, model: 'm' })
test.after(async () => {
  await app.stop()
  await upstream.stop()
})

const well = JSON.stringify({ query: wish({ tokens: 6 }) })
const broken = JSON.stringify({ query: wish({ tokens: 6, at: 3, delayMs: 20, fault: 'reset' }) })

/** As nginx asks by default: without chunks, the end of the connection is the end of the body. */
async function overHttp10(body: string): Promise<{ text: string; isWhole: boolean }> {
  const socket = net.connect(Number(new URL(app.url).port), '127.0.0.1')
  let text = ''
  let isWhole = false
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => (text += chunk))
  socket.on('end', () => (isWhole = true))
  socket.on('error', () => undefined)
  const head = [
    'POST /chat/stream HTTP/1.0',
    'Authorization: Bearer alice',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  await new Promise((resolve) => socket.once('close', resolve))
  return { text, isWhole }
}

test('over HTTP/1.0 a whole answer ends its connection, and a broken one resets it', async () => {
  const good = await overHttp10(well)
  const bad = await overHttp10(broken)

  assert.ok(good.isWhole)
  assert.ok(good.text.endsWith(answerOf(6)), good.text)
  assert.not.match(good.text, /transfer-encoding/i)
  assert.not(bad.isWhole, bad.text)
})

const curl = binary('curl')
if (curl !== undefined)
  for (const [what, version, brokenCode] of [
    ['HTTP/1.1', '--http1.1', 18],
    ['HTTP/1.0', '--http1.0', 56],
  ] as const)
    test(`curl over ${what} exits with ${brokenCode} when the model breaks off, and with 0 when not`, async () => {
      const run = async (body: string) => {
        const words = ['-sN', version, '-H', 'Authorization: Bearer alice', '-d', body]
        const child = spawn(
          curl,
          [...words, '-H', 'Content-Type: application/json', `${app.url}/chat/stream`],
          { stdio: ['ignore', 'pipe', 'ignore'] },
        )
        let text = ''
        child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
        const [code] = (await once(child, 'close')) as [number]
        return { code, text }
      }

      assert.equal(await run(well), { code: 0, text: answerOf(6) })
      const { code, text } = await run(broken)
      assert.is(code, brokenCode)
      assert.ok(answerOf(6).startsWith(text))
    })

test.run()
