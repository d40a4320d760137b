/** Our own server for the benchmark: the whole of it, and the pipeline alone. */
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'

import Koa from 'koa'

import { coreFamilies } from '../core/core-metrics.ts'
import { Events } from '../core/events.ts'
import { AbortHub } from '../core/http/abort-hub.ts'
import { Authentication } from '../core/http/authenticate.ts'
import { Dispatch } from '../core/http/dispatch.ts'
import { Exchange } from '../core/http/exchange.ts'
import { createHttpApp } from '../core/http/http-app.ts'
import type { HttpAppOptions, MountedPlugin } from '../core/http/http-app.ts'
import { limitsSchema } from '../core/http/limits.ts'
import { Listener } from '../core/http/listener.ts'
import { Load } from '../core/http/load.ts'
import { Pipeline } from '../core/http/pipeline.ts'
import { withLogContext } from '../core/log-context.ts'
import type { Route, RouteOf } from '../core/route.ts'
import type { Authenticator } from '../core/slots.ts'
import { PrometheusMeter } from '../plugins/metrics/prometheus-meter.ts'
import { answer, authenticate, Budget, params, quietLog, timeoutMs } from './routing-duties.ts'
import type { BenchRoute } from './routing-table.ts'

const route = ((definition: Route) => definition) as unknown as RouteOf<object>
const never = () => new AbortController().signal

const bearer: Authenticator<never> = {
  name: 'bench',
  credential: 'authorization',
  scheme: { type: 'http' },
  authenticate: (_services, { headers }) => authenticate(headers.authorization),
}

const routesOf = (table: readonly BenchRoute[]): readonly Route[] =>
  table.map(({ path }) =>
    route({
      method: 'GET',
      path,
      summary: 'One of many',
      auth: 'user',
      limit: 'default',
      timeoutMs,
      params,
      responses: { 200: {} },
      handler: async (_, request) => answer(request.params.id, request.principal),
    }),
  )

function optionsFor(table: readonly BenchRoute[]): HttpAppOptions {
  const log = quietLog()
  const budget = new Budget()
  const mounted: MountedPlugin = {
    name: 'bench',
    routes: routesOf(table),
    services: {},
    log: log.child({ plugin: 'bench' }),
    enter: () => undefined,
    leave: () => undefined,
    signal: never(),
  }
  return {
    listener: 'public',
    plugins: [mounted],
    authenticators: [{ authenticator: bearer, services: {} }],
    limiter: { take: () => budget.take() },
    limits: limitsSchema.parse({}),
    trustedProxies: 0,
    origins: ['https://app.example'],
    publicUrl: () => '',
    operationsToken: undefined,
    isLoopback: true,
    starting: false,
    events: new Events(() => undefined).scoped(never()),
    log,
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    random: { float: Math.random, bytes: randomBytes, uuid: randomUUID },
    drain: never(),
    isDraining: () => false,
    production: true,
  }
}

async function whole(table: readonly BenchRoute[]): Promise<number> {
  return serve(optionsFor(table))
}

async function serve(options: HttpAppOptions): Promise<number> {
  const listener = new Listener(options.limits, options.log)
  listener.use(createHttpApp(options))
  return (await listener.listen({ host: '127.0.0.1', port: 0 })).port
}

/** The whole with the meter of the metrics plugin, which counts or rests as it is told. */
async function withMetrics(table: readonly BenchRoute[]): Promise<number> {
  const options = optionsFor(table)
  const { events, log } = options
  const meter = new PrometheusMeter({ config: { maxSeries: 2_000, runtime: true }, events, log })
  const app = { version: '0', routes: () => [], plugins: () => [] }
  const host = { app, plugins: () => [], inFlight: () => 0 }
  const counted = [{ plugin: 'core', families: coreFamilies, services: { host } }]
  process.on('message', (word) => meter.use(word === 'count' ? counted : []))
  return serve(options)
}

/** Match, authenticate, limit, validate, handler, reply and log: no check of the input, no header, no limit of load. */
function withoutEdge(table: readonly BenchRoute[]): Promise<number> {
  const options = optionsFor(table)
  const koa = new Koa()
  const surface = {
    options,
    defaults: [],
    drain: new AbortHub(options.drain, () => new Error('drain')),
    createContext: koa.createContext.bind(koa),
  }
  const [dispatch, load] = [new Dispatch<Pipeline>(), new Load(options.limits)]
  const hub = new AbortHub(never(), () => new Error('stop'))
  const authentication = new Authentication(options.authenticators)
  const [mounted] = options.plugins
  if (mounted === undefined) throw new Error('there is no plugin')
  const parts = { authentication, limiter: options.limiter, hub }
  dispatch.mount(
    mounted.routes.map((one) => {
      const { handler: _handler, ...rest } = one
      const facts = { ...rest, plugin: 'bench', listener: 'public' as const }
      return { route: one, target: new Pipeline(one, facts, mounted, parts) }
    }),
  )
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    const { url = '', method = '' } = request
    const exchange = new Exchange(surface, load, request, response, randomUUID(), url)
    const match = dispatch.find(method, url)
    if (match === undefined) return void response.writeHead(404).end()
    match.target.hold(exchange)
    const context = { plugin: match.target.facts.plugin, requestId: exchange.requestId }
    withLogContext(context, () => void match.target.run(exchange, match.params))
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
}

export const ours = { whole, withMetrics, withoutEdge }
