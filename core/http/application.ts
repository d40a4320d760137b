import type { IncomingMessage, ServerResponse } from 'node:http'

import Koa from 'koa'

import { CoreEvents } from '../core-events.ts'
import { withLogContext } from '../log-context.ts'
import type { Route, RouteFacts } from '../route.ts'
import { AbortHub } from './abort-hub.ts'
import { Authentication } from './authenticate.ts'
import { Cors } from './cors.ts'
import { Dispatch } from './dispatch.ts'
import { findFault, incomingId, pathOf } from './edge.ts'
import { HttpErrors } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { Surface } from './exchange.ts'
import type { HttpApp, HttpAppOptions, MountedPlugin } from './contract.ts'
import { Load } from './load.ts'
import { OperationsGuard } from './operations-guard.ts'
import { fail, Pipeline } from './pipeline.ts'
import { send } from './respond.ts'

/** An API, no page (OWASP REST security cheat sheet). A route that serves a page brings its own. */
const securityHeaders = [
  ['Cache-Control', 'no-store'],
  ['X-Content-Type-Options', 'nosniff'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['Referrer-Policy', 'no-referrer'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
] as const
const overTls = [...securityHeaders, ['Strict-Transport-Security', 'max-age=31536000']] as const

const soon = { headers: { 'Retry-After': '1' } }

/** The routes of one generation behind one listener: edge → guard → match → pipeline. */
export class Application implements HttpApp {
  readonly routes: readonly RouteFacts[]
  readonly #options: HttpAppOptions
  readonly #surface: Surface
  readonly #dispatch: Dispatch<Pipeline>
  readonly #authentication: Authentication
  readonly #cors: Cors
  readonly #guard: OperationsGuard | undefined
  readonly #idle: Load

  constructor(options: HttpAppOptions) {
    this.#options = options
    this.#dispatch = new Dispatch(options.layers)
    this.#surface = surfaceOf(options)
    this.#authentication = new Authentication(options.authenticators, options.lostAuthenticators)
    this.#cors = new Cors(options.listener === 'public' ? options.origins : [])
    this.#guard = guardOf(options)
    this.#idle = new Load(options.limits)
    this.routes = options.plugins.flatMap((plugin) => this.#mount(plugin))
  }

  readonly handle = (
    request: IncomingMessage,
    response: ServerResponse,
    load: Load = this.#idle,
  ): void => {
    const id = incomingId(request) ?? this.#options.random.uuid()
    const path = pathOf(request.url ?? '')
    const exchange = new Exchange(this.#surface, load, request, response, id, path)
    try {
      this.#serve(exchange)
    } catch (error) {
      fail(exchange, error)
    }
  }

  #serve(exchange: Exchange): void {
    const { request, path } = exchange
    const fault = findFault(request, path, this.#options.limits) ?? this.#guard?.refusal(request)
    if (fault !== undefined) throw fault
    exchange.extraHeaders.push(...this.#cors.headersFor(request))
    const match = this.#dispatch.find(request.method ?? '', path)
    if (match === undefined) return this.#answerUnmatched(exchange)
    const { target: pipeline, params } = match
    pipeline.hold(exchange)
    if (!pipeline.isExempt) this.#shedWhenBusy(exchange)
    // Not the exchange: a socket or timer that the work opens keeps its context for as long as it lives.
    const context = { plugin: pipeline.facts.plugin, requestId: exchange.requestId }
    // Never rejects: a failure is a reply.
    withLogContext(context, () => void pipeline.run(exchange, params))
  }

  #answerUnmatched(exchange: Exchange): void {
    const { request, path } = exchange
    const allowed = path === '*' ? ['GET', 'HEAD', 'POST'] : this.#dispatch.allowed(path)
    if (allowed.length === 0 && this.#options.starting) throw HttpErrors.starting(soon)
    if (allowed.length === 0) throw HttpErrors.not_found()
    const allow = [...new Set([...allowed, 'OPTIONS'])].join(', ')
    if (request.method !== 'OPTIONS')
      throw HttpErrors.method_not_allowed({ allow }, { headers: { Allow: allow } })
    const headers = { Allow: allow, ...this.#cors.preflightHeaders(request, allow) }
    send(exchange, { status: 204, headers, contentType: undefined, data: undefined })
  }

  #shedWhenBusy({ load }: Exchange): void {
    const reason = this.#options.listener === 'public' ? load.shedding : undefined
    if (reason === undefined) return
    this.#options.events.emit(CoreEvents, 'http:request-shed', { reason })
    throw HttpErrors.overloaded(soon)
  }

  #mount(mounted: MountedPlugin): readonly RouteFacts[] {
    const { limiter, listener } = this.#options
    const hub = new AbortHub(mounted.signal, () => HttpErrors.plugin_stopped(soon))
    const parts = { authentication: this.#authentication, limiter, hub }
    const mounts = mounted.routes.map((route) => {
      const facts = factsOf(route, mounted.name, listener)
      return { route, target: new Pipeline(route, facts, mounted, parts) }
    })
    this.#dispatch.mount(mounts)
    return mounts.map(({ target }) => target.facts)
  }
}

/** A new Koa for each generation: its contexts are what handlers and authenticators get. */
function surfaceOf(options: HttpAppOptions): Surface {
  const koa = new Koa({ proxy: options.trustedProxies > 0, maxIpsCount: options.trustedProxies })
  const drain = new AbortHub(options.drain, () => HttpErrors.server_draining(soon))
  return {
    options,
    drain,
    defaults: options.publicUrl().startsWith('https:') ? overTls : securityHeaders,
    createContext: (request, response) => koa.createContext(request, response),
  }
}

const guardOf = ({ listener, operationsToken, isLoopback }: HttpAppOptions) =>
  listener === 'operations' ? new OperationsGuard(operationsToken, isLoopback) : undefined

/** Routes of the operations listener decide neither `auth` nor `limit`: the guard stands before all of them. */
function factsOf(route: Route, plugin: string, listener: RouteFacts['listener']): RouteFacts {
  const { handler: _handler, ...facts } = route
  if (listener === 'public') return Object.freeze({ ...facts, plugin, listener })
  return Object.freeze({ ...facts, auth: 'public', limit: 'none', plugin, listener })
}
