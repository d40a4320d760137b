/** One server for each contender, with equal duties: id, log line, headers, budget, credential, params, deadline. */
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import Router from '@koa/router'
import fastify from 'fastify'
import Koa from 'koa'
import type { Context, Next } from 'koa'

import { findFault, pathOf } from '../core/http/edge.ts'
import { limitsSchema } from '../core/http/limits.ts'
import { answer, authenticate, Budget, params, quietLog } from './routing-duties.ts'
import { requestId, securityHeaders, timeoutMs } from './routing-duties.ts'
import { ours } from './routing-ours.ts'
import type { BenchRoute } from './routing-table.ts'

export type Contender = (routes: readonly BenchRoute[]) => Promise<number>

export function listen(handler: RequestListener): Promise<number> {
  const server = createServer({ keepAliveTimeout: 65_000 }, handler)
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
}

/** koa and @koa/router as anybody would set them up: a chain of middleware, one router. */
function koa(routes: readonly BenchRoute[]): Promise<number> {
  const [log, budget, limits] = [quietLog(), new Budget(), limitsSchema.parse({})]
  const app = new Koa()
  app.use(async (ctx: Context, next: Next) => {
    const started = performance.now()
    ctx.state['id'] = requestId(ctx.req.headers['x-request-id'])
    ctx.set('X-Request-Id', ctx.state['id'] as string)
    ctx.set(securityHeaders)
    try {
      await next()
      if (ctx.status === 404 && ctx.body === undefined) ctx.throw(404)
    } catch (error) {
      ctx.status = (error as { status?: number }).status ?? 500
      ctx.type = 'application/problem+json'
      ctx.body = JSON.stringify({ status: ctx.status, requestId: ctx.state['id'] })
    }
    ctx.res.once('close', () => {
      const [durationMs, route] = [performance.now() - started, ctx['_matchedRoute'] as string]
      const { status, method } = ctx
      log.info({ requestId: ctx.state['id'], method, route, status, durationMs }, 'request')
    })
  })
  app.use(async (ctx: Context, next: Next) => {
    const fault = findFault(ctx.req, pathOf(ctx.url), limits)
    if (fault !== undefined) ctx.throw(fault.status)
    await next()
  })
  app.use(async (ctx: Context, next: Next) => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('late')), timeoutMs)
    })
    try {
      await Promise.race([next(), late])
    } finally {
      clearTimeout(timer)
    }
  })
  app.use(async (ctx: Context, next: Next) => {
    ctx.state['principal'] = authenticate(ctx.get('authorization'))
    if (ctx.state['principal'] === undefined) ctx.throw(401)
    await next()
  })
  app.use(async (ctx: Context, next: Next) => {
    const { allowed, limit, remaining, resetMs } = budget.take()
    ctx.set('RateLimit-Policy', `"default";q=${limit};w=60`)
    ctx.set('RateLimit', `"default";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`)
    if (!allowed) ctx.throw(429)
    await next()
  })
  const router = new Router()
  for (const { path } of routes)
    router.get(path, async (ctx) => {
      const checked = params.safeParse(ctx['params'])
      if (!checked.success) return ctx.throw(404)
      ctx.body = answer(checked.data.id, ctx.state['principal'])
    })
  app.use(router.routes()).use(router.allowedMethods())
  const handle = app.callback()
  return listen((request, response) => void handle(request, response)) // Koa answers its own errors
}

/** fastify with hooks for the same duties. */
async function quick(routes: readonly BenchRoute[]): Promise<number> {
  const [log, budget] = [quietLog(), new Budget()]
  const app = fastify({ genReqId: ({ headers }) => requestId(headers['x-request-id']) })
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'X-Request-Id': request.id, ...securityHeaders })
    const principal = authenticate(request.headers.authorization)
    if (principal === undefined) return reply.code(401).send({})
    const { allowed, limit, remaining, resetMs } = budget.take()
    reply.header('RateLimit-Policy', `"default";q=${limit};w=60`)
    reply.header('RateLimit', `"default";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`)
    if (!allowed) return reply.code(429).send({})
    return undefined
  })
  app.addHook('onResponse', async (request, reply) => {
    const { id, method, routeOptions } = request
    const [route, status, durationMs] = [routeOptions.url, reply.statusCode, reply.elapsedTime]
    log.info({ requestId: id, method, route, status, durationMs }, 'request')
  })
  for (const { path } of routes)
    app.get(path, async (request, reply) => {
      const checked = params.safeParse(request.params)
      if (!checked.success) return reply.code(404).send({})
      return answer(checked.data.id, authenticate(request.headers.authorization))
    })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** node:http with none of the duties: the floor. */
function bare(routes: readonly BenchRoute[]): Promise<number> {
  const known = new Set(routes.map(({ target }) => target))
  return listen((request, response) => {
    if (!known.has(request.url ?? '')) return void response.writeHead(404).end()
    const body = JSON.stringify(answer(42, undefined))
    const length = String(Buffer.byteLength(body))
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': length })
    response.end(body)
  })
}

export const contenders: Readonly<Record<string, Contender>> = {
  ours: ours.whole,
  'ours with metrics': ours.withMetrics,
  'ours without the edge': ours.withoutEdge,
  'koa + @koa/router': koa,
  fastify: quick,
  'node:http, no duties': bare,
}
