/** The model of the benchmark, in a process of its own: chunks of 180 bytes, as many and as fast as asked. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'

const chunk = `data: ${JSON.stringify({
  id: 'chatcmpl-bench-0123456789abcdef',
  object: 'chat.completion.chunk',
  created: 1_767_225_600,
  model: 'bench-model-2026',
  choices: [{ index: 0, delta: { content: ' benchmark' }, finish_reason: null }],
})}\n\n`
const last = `${chunk.replace('{"content":" benchmark"}', '{}').replace('null}]', '"stop"}]')}data: [DONE]\n\n`

let active = 0
let lastClosedAt = 0

const server = http.createServer(async (request, response) => {
  let text = ''
  for await (const piece of request) text += String(piece)
  const { messages } = JSON.parse(text) as { messages: readonly { content: string }[] }
  const { tokens = 20, delayMs = 0 } = JSON.parse(messages.at(-1)?.content ?? '{}') as Wish
  active += 1
  response.on('close', () => {
    active -= 1
    lastClosedAt = Date.now()
  })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let sent = 0
  const next = () => {
    if (response.destroyed) return
    if (sent === tokens) return void response.end(last)
    sent += 1
    const isRoom = response.write(chunk)
    if (!isRoom) response.once('drain', next)
    else if (delayMs > 0) setTimeout(next, delayMs)
    else setImmediate(next)
  }
  next()
})

interface Wish {
  readonly tokens?: number
  readonly delayMs?: number
}

process.on('message', () => process.send?.({ active, lastClosedAt }))
process.on('disconnect', () => process.exit())
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
)
