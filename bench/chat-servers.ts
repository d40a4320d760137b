/** One contender in a process of its own: `chat-servers.ts <name> <upstream url>`. Tells its port. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'

import { wideLimits, serve } from '../test/plugins/llm-chat/server.ts'

const [name = '', upstream = ''] = process.argv.slice(2)

/** Copies bytes, and is all that Node asks for that. */
function pipe(): http.Server {
  const agent = new http.Agent({ keepAlive: true })
  return http.createServer((request, response) => {
    const asked = http.request(
      `${upstream}/v1/chat/completions`,
      { method: 'POST', agent },
      (reply) => {
        response.writeHead(reply.statusCode ?? 500, { 'content-type': 'text/event-stream' })
        reply.pipe(response)
      },
    )
    response.on('close', () => asked.destroy())
    asked.on('error', () => response.destroy())
    request.pipe(asked)
  })
}

/** What a gateway on hono is: a fetch whose body is handed on. */
async function hono(): Promise<http.Server> {
  const { Hono } = await import('hono')
  const app = new Hono()
  app.post('/v1/chat/completions', async (context) => {
    const { raw } = context.req
    const reply = await fetch(`${upstream}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: await raw.text(),
      signal: raw.signal,
    })
    return new Response(reply.body, { headers: { 'content-type': 'text/event-stream' } })
  })
  return http.createServer((request, response) => void answer(app.fetch, request, response))
}

/** node:http to fetch and back. */
async function answer(
  handle: (request: Request) => Response | Promise<Response>,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const leave = new AbortController()
  response.on('close', () => leave.abort())
  let body = ''
  for await (const chunk of request) body += String(chunk)
  try {
    const reply = await handle(
      new Request(`http://localhost${request.url}`, { method: 'POST', body, signal: leave.signal }),
    )
    response.writeHead(reply.status, Object.fromEntries(reply.headers))
    for await (const chunk of reply.body ?? [])
      if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve))
    response.end()
  } catch {
    response.destroy()
  }
}

async function portOf(server: http.Server): Promise<number> {
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function start(): Promise<number> {
  if (name === 'pipe') return portOf(pipe())
  if (name === 'hono') return portOf(await hono())
  const app = await serve({ baseUrl: `${upstream}/v1`, model: 'm', limits: wideLimits })
  return Number(new URL(app.url).port)
}

process.on('disconnect', () => process.exit())
process.send?.({ port: await start() })
