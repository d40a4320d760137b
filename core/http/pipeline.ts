import { isProblem } from '../errors.ts'
import type { ProblemError } from '../errors.ts'
import type { Route, RouteFacts, RouteRequest } from '../route.ts'
import type { Principal } from '../principal.ts'
import type { Limiter } from '../slots.ts'
import type { AbortHub } from './abort-hub.ts'
import { plainTypeOf, requireAcceptable, typesOf } from './accept.ts'
import type { Authentication } from './authenticate.ts'
import { ClientGone, readBytes, readJson } from './body.ts'
import { queryOf } from './edge.ts'
import { HttpErrors } from './errors.ts'
import type { Exchange, Holder } from './exchange.ts'
import type { MountedPlugin } from './contract.ts'
import { toProblem } from './problem.ts'
import { takeFromBudget } from './rate-limit.ts'
import { asReply, isStream, payloadOf, plainText, send, sendProblem } from './respond.ts'
import { StreamReply } from './stream.ts'
import { checkBody, readParams, readQuery } from './validate.ts'

export interface Parts {
  readonly authentication: Authentication
  readonly limiter: Limiter | undefined
  readonly hub: AbortHub
}

/** A stream whose route names no times. */
const streamDefaults = { idleMs: 30_000, totalMs: 120_000 }
/** The route's own deadline comes first. */
const socketGraceMs = 5_000
const unavailable = { headers: { 'Retry-After': '5' } }

/**
 * One route, compiled: match → authenticate → limit → read and validate → handler → reply. What the route does not
 * use is not run, and a route that never waits is answered before the next turn of the event loop.
 */
export class Pipeline {
  readonly facts: RouteFacts
  readonly #route: Route
  readonly #mounted: MountedPlugin
  readonly #parts: Parts
  readonly #holder: Holder
  readonly #types: readonly string[]
  readonly #plainType: string | undefined
  readonly #longestWaitMs: number

  constructor(route: Route, facts: RouteFacts, mounted: MountedPlugin, parts: Parts) {
    this.#route = route
    this.facts = facts
    this.#mounted = mounted
    this.#parts = parts
    this.#types = typesOf(route.responses)
    this.#plainType = plainTypeOf(route.responses)
    this.#longestWaitMs = Math.max(route.timeoutMs, route.stream?.idleMs ?? 0)
    const { log, leave } = mounted
    this.#holder = { label: route.path, log, leave, hub: parts.hub }
  }

  get isExempt(): boolean {
    return this.#route.exempt === true
  }

  /** Counts the request in before its first await. */
  hold(exchange: Exchange): void {
    exchange.hold(this.#holder)
    this.#mounted.enter()
    if (this.#longestWaitMs >= exchange.options.limits.socketIdle)
      exchange.bePatient(this.#longestWaitMs + socketGraceMs)
  }

  /** Never rejects. */
  async run(exchange: Exchange, params: Readonly<Record<string, string>>): Promise<void> {
    try {
      await this.#answer(exchange, params)
    } catch (error) {
      fail(exchange, error)
    }
  }

  async #answer(exchange: Exchange, params: Readonly<Record<string, string>>): Promise<void> {
    const { services } = this.#mounted
    if (services === undefined) throw HttpErrors.plugin_unavailable(unavailable)
    const principal = await this.#admit(exchange)
    const request = await this.#read(exchange, params, principal)
    const result = this.#route.handler(services as never, request as never)
    const isPending = result instanceof Promise
    if (isPending) this.#arm(exchange)
    await this.#reply(exchange, isPending ? await result : result)
  }

  /** Authenticate and limit. */
  async #admit(exchange: Exchange): Promise<Principal | undefined> {
    const { auth, limit } = this.facts
    const { authentication, limiter } = this.#parts
    if (auth === 'public' && (limit === 'none' || limiter === undefined)) return undefined
    this.#arm(exchange)
    const principal =
      auth === 'public' ? undefined : await authentication.principal(exchange, this.facts)
    if (limit !== 'none' && limiter !== undefined)
      await takeFromBudget(limiter, limit, exchange, principal)
    return principal
  }

  async #read(
    exchange: Exchange,
    rawParams: Readonly<Record<string, string>>,
    principal: Principal | undefined,
  ): Promise<RouteRequest> {
    const { params, query, body } = this.#route
    const { limits } = exchange.options
    requireAcceptable(exchange.request.headers.accept, this.#types)
    const url = exchange.request.url ?? ''
    const parts = {
      params: params && readParams(params, rawParams),
      query: query && readQuery(query, queryOf(url), limits.queryParams),
      body: body && (await this.#readBody(exchange, body)),
    }
    return this.#requestOf(exchange, parts, principal)
  }

  async #readBody(exchange: Exchange, rule: NonNullable<Route['body']>): Promise<unknown> {
    const { request, response, options } = exchange
    const { bodyBytes, jsonDepth, jsonValues, requestTimeout } = options.limits
    const limits = {
      maxBytes: Math.min(rule.maxBytes, bodyBytes),
      maxDepth: jsonDepth,
      maxValues: jsonValues,
      timeoutMs: requestTimeout,
    }
    exchange.disarm()
    exchange.rest()
    const asked = () => {
      if (request.headers.expect !== undefined) response.writeContinue()
    }
    if ('raw' in rule) {
      const bytes = await readBytes(request, limits, asked)
      exchange.work()
      return bytes
    }
    const value = await readJson(request, limits, asked, () => this.#turn(exchange))
    exchange.work()
    return checkBody(rule.schema, value)
  }

  /** Whoever left while it waited is not worked for. */
  async #turn(exchange: Exchange): Promise<void> {
    exchange.work()
    await exchange.load.turns.take()
    if (exchange.response.destroyed) throw new ClientGone()
  }

  #requestOf(
    exchange: Exchange,
    parts: Pick<RouteRequest, 'params' | 'query' | 'body'>,
    principal: Principal | undefined,
  ): RouteRequest {
    return {
      params: parts.params,
      query: parts.query,
      body: parts.body,
      principal,
      requestId: exchange.requestId,
      log: this.#mounted.log,
      route: this.facts,
      get signal() {
        return exchange.signal
      },
      get ip() {
        return exchange.ip
      },
      get ctx() {
        return exchange.ctx
      },
    }
  }

  #arm(exchange: Exchange): void {
    exchange.arm(this.#route.timeoutMs, () => {
      const late = HttpErrors.handler_timeout({ ms: this.#route.timeoutMs }, unavailable)
      exchange.abort(late)
      fail(exchange, late)
    })
  }

  async #reply(exchange: Exchange, result: unknown): Promise<void> {
    const reply = asReply(result)
    if (isStream(reply.body)) return await this.#stream(exchange, reply, reply.body)
    if (exchange.response.headersSent || exchange.response.destroyed) return
    send(exchange, payloadOf(reply, this.#plainType))
  }

  async #stream(
    exchange: Exchange,
    { status, headers }: Pick<ReturnType<typeof asReply>, 'status' | 'headers'>,
    source: AsyncIterable<unknown>,
  ): Promise<void> {
    this.#arm(exchange)
    const named = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')
    const contentType = named === undefined ? (this.#plainType ?? plainText) : String(named[1])
    const rule = { route: this.facts.path, ...(this.#route.stream ?? streamDefaults) }
    await new StreamReply(exchange, source, { status, headers, contentType }, rule).run()
  }
}

/** The one place where an error becomes a reply. Whoever is late, or has nobody to answer, changes nothing. */
export function fail(exchange: Exchange, error: unknown): void {
  const { response, abortReason } = exchange
  if (response.headersSent || response.destroyed || error instanceof ClientGone) return
  const cause = isProblem(error) ? error : (abortReason ?? error)
  if (cause instanceof ClientGone) return
  const problem = toProblem(cause)
  if (isWorthALine(problem)) exchange.failure = isProblem(cause) ? problem : cause
  sendProblem(exchange, problem)
}

/** What the client is not told must be in the log. */
const isWorthALine = ({ status, cause, detail, code }: ProblemError): boolean =>
  status >= 500 && (code === 'internal_error' || cause !== undefined || detail !== undefined)
