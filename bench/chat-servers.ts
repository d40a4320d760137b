/** One contender in a process of its own: `chat-servers.ts <name> <upstream url>`. Tells its port. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'

import { wideLimits, serve } from '../test/plugins/llm-chat/server.ts'
import { hono as honoPeer, moduleOf } from './chat-peers.ts'

const [name = '', upstream = ''] = process.argv.slice(2)

/** Copies bytes, and is all that Node asks for that. */
async function pipe(): Promise<http.Server> {
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

interface HonoContext {
  readonly req: { readonly raw: Request }
}

/** What of them is used here: they are installed outside the project. */
interface HonoModule {
  readonly Hono: new () => {
    readonly fetch: unknown
    readonly post: (path: string, handle: (context: HonoContext) => Promise<Response>) => void
  }
}
interface HonoServerModule {
  readonly createAdaptorServer: (options: { readonly fetch: unknown }) => http.Server
}

/** What a gateway on hono is: a fetch whose body is handed on. */
async function hono(): Promise<http.Server> {
  const framework = await moduleOf(honoPeer, 'hono')
  const server = await moduleOf(honoPeer, '@hono/node-server')
  const { Hono } = (await import(framework)) as HonoModule
  const { createAdaptorServer } = (await import(server)) as HonoServerModule
  // It prints a line for each client that leaves.
  console.error = () => undefined
  const app = new Hono()
  app.post('/v1/chat/completions', async ({ req: { raw } }) => {
    const reply = await fetch(`${upstream}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: await raw.text(),
      signal: raw.signal,
    })
    return new Response(reply.body, { headers: { 'content-type': 'text/event-stream' } })
  })
  return createAdaptorServer({ fetch: app.fetch })
}

async function ours(): Promise<string> {
  const app = await serve({ baseUrl: `${upstream}/v1`, model: 'm', limits: wideLimits })
  return app.url
}

async function listen(server: http.Server): Promise<string> {
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const url = await (name === 'pipe'
  ? pipe().then(listen)
  : name === 'hono'
    ? hono().then(listen)
    : ours())

process.on('disconnect', () => process.exit())
process.send?.({ port: Number(new URL(url).port) })
