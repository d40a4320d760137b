/** Our own server with one cached route, as the projects plugin has it. */
import { randomBytes, randomUUID } from 'node:crypto'

import * as z from 'zod'

import { Events } from '../core/events.ts'
import { createHttpApp } from '../core/http/http-app.ts'
import { limitsSchema } from '../core/http/limits.ts'
import { Listener } from '../core/http/listener.ts'
import type { Route, RouteOf } from '../core/route.ts'
import type { CacheService, RespondOptions } from '../plugins/cache/contract.ts'
import { quietLog, timeoutMs } from './routing-duties.ts'

const route = ((definition: Route) => definition) as unknown as RouteOf<object>
const never = () => new AbortController().signal

export async function cachedRoute<T>(
  cache: CacheService,
  options: RespondOptions<T>,
  load: () => Promise<T>,
): Promise<number> {
  const log = quietLog()
  const read = route({
    method: 'GET',
    path: '/api/projects/:id',
    summary: 'One project',
    auth: 'public',
    limit: 'none',
    timeoutMs,
    params: z.strictObject({ id: z.coerce.number().int().positive() }),
    responses: { 200: {} },
    handler: (_, request) =>
      cache.respond(request, { ...options, key: String(request.params.id) }, load),
  })
  const limits = limitsSchema.parse({})
  const listener = new Listener(limits, log)
  const app = createHttpApp({
    listener: 'public',
    plugins: [
      {
        name: 'bench',
        routes: [read],
        services: {},
        log,
        enter: () => undefined,
        leave: () => undefined,
        signal: never(),
      },
    ],
    authenticators: [],
    limiter: undefined,
    limits,
    trustedProxies: 0,
    origins: [],
    publicUrl: () => '',
    operationsToken: undefined,
    isLoopback: true,
    starting: false,
    events: new Events(() => undefined).scoped(never()),
    log,
    clock: { now: Date.now, monotonic: () => performance.now() },
    random: { float: Math.random, bytes: randomBytes, uuid: randomUUID },
    drain: never(),
    isDraining: () => false,
    production: true,
  })
  listener.use(app)
  return (await listener.listen({ host: '127.0.0.1', port: 0 })).port
}
