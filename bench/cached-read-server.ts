/** A child of the benchmark: serves one contender, and tells its CPU time when asked. All send the same reply. */
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import Router from '@koa/router'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import fastify from 'fastify'
import Koa from 'koa'

import { isReply } from '../core/route.ts'
import type { AnyRequest } from '../core/route.ts'
import { openOurs } from './cached-read-library.ts'
import { cachedRoute } from './cached-read-ours.ts'
import { quietLog, requestId, securityHeaders, timeoutMs } from './routing-duties.ts'

const project = {
  id: 1,
  name: 'The project',
  description: 'What it is for, in a sentence that is neither short nor long.',
  visibility: 'public',
  createdAt: '2026-01-01T00:00:00.000Z',
}
const headers = {
  'Content-Type': 'application/json; charset=utf-8',
  ETag: '"0123456789012345678901"',
  'Cache-Control': 'private, no-cache',
  Age: '0',
  'X-Cache': 'HIT',
}
const map = new Map([['1', Buffer.from(JSON.stringify(project))]])
const options = {
  namespace: 'projects',
  key: '1',
  ttl: '1h',
  body: (value: typeof project) => value,
}
const load = () => Promise.resolve(project)

function listen(handler: RequestListener): Promise<number> {
  const server = createServer({ keepAliveTimeout: 65_000 }, handler)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

const floor = () =>
  listen((_request, response) => {
    const body = map.get('1')
    response.writeHead(200, { ...headers, 'Content-Length': body?.length }).end(body)
  })

type Answer = (ctx: Koa.Context) => void | Promise<void>

const fromMap: Answer = (ctx) => {
  ctx.set(headers)
  if (ctx.get('If-None-Match') === headers.ETag) ctx.status = 304
  else ctx.body = map.get(String(ctx['params'].id))
}

function fromCache(): Answer {
  const { cache } = openOurs({})
  return async (ctx) => {
    const found = await cache.respond({ ctx } as unknown as AnyRequest, options, load)
    if (!isReply(found)) return ctx.throw(404)
    ctx.status = found.status
    ctx.set(found.headers as Record<string, string>)
    ctx.body = found.body
  }
}

function koa(answer: Answer, before: readonly Koa.Middleware[] = []): Promise<number> {
  const app = new Koa()
  for (const middleware of before) app.use(middleware)
  const router = new Router()
  router.get('/api/projects/:id', answer)
  app.use(router.routes()).use(router.allowedMethods())
  const handle = app.callback()
  return listen((request, response) => void handle(request, response))
}

/** A request id, security headers, a log line and a deadline: what our server does for every request. */
function duties(): Koa.Middleware[] {
  const log = quietLog()
  const logged: Koa.Middleware = async (ctx, next) => {
    const startedAt = performance.now()
    const id = requestId(ctx.req.headers['x-request-id'])
    ctx.set('X-Request-Id', id)
    ctx.set(securityHeaders)
    ctx.res.once('close', () => {
      const { method, status } = ctx
      const durationMs = performance.now() - startedAt
      log.info(
        { requestId: id, method, route: ctx['_matchedRoute'], status, durationMs },
        'request',
      )
    })
    await next()
  }
  const limited: Koa.Middleware = async (_ctx, next) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('late')), timeoutMs)
    })
    await Promise.race([next(), late]).finally(() => clearTimeout(timer))
  }
  return [logged, limited]
}

async function quick(): Promise<number> {
  const bento = new BentoCache({
    default: 'memory',
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 })) },
  })
  const app = fastify()
  app.get<{ Params: { id: string } }>('/api/projects/:id', async (request, reply) => {
    const key = `projects:${request.params.id}`
    const value = await bento.getOrSet({ key, factory: load, ttl: '1h' })
    return reply.headers(headers).send(value)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

const contenders: Readonly<Record<string, () => Promise<number>>> = {
  'node:http, a Map': floor,
  'koa + @koa/router, a Map': () => koa(fromMap),
  'koa + @koa/router, our cache': () => koa(fromCache()),
  'koa + @koa/router, a Map, our duties': () => koa(fromMap, duties()),
  'our server, our cache': () => cachedRoute(openOurs({}).cache, options, load),
  'fastify + bentocache': quick,
}

const port = await contenders[process.argv[2] ?? '']?.()
process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit(0))
process.send?.({ port })
