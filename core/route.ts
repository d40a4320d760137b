import type { Context } from 'koa'
import type * as z from 'zod'

import type { ProblemMaker } from './errors.ts'
import type { Logger } from './log.ts'
import type { Principal } from './principal.ts'

/**
 * Routes: a table of data made from the plugin's config alone. Handlers get their services at call time,
 * so clashes, OpenAPI and the 503 of a plugin that did not start need no service.
 *
 * A request goes: match → authenticate → limit → read and validate → handler → reply.
 */

type Schema = z.ZodType
type Output<T> = T extends Schema ? z.output<T> : undefined

/** `public`: no credential is read. `optional`: one is, when it is there. `{ scope }`: it must hold that scope. */
export type Auth = 'public' | 'optional' | 'user' | { readonly scope: string }

type PrincipalOf<A> = A extends 'public'
  ? undefined
  : A extends 'optional'
    ? Principal | undefined
    : Principal

/** JSON checked by a schema (`undefined` for an empty body, if the schema takes it), or the bytes. */
export type BodyRule =
  | { readonly schema: Schema; readonly maxBytes: number }
  | { readonly raw: true; readonly maxBytes: number }

type BodyOf<B> = B extends { schema: infer T }
  ? Output<T>
  : B extends { raw: true }
    ? Buffer
    : undefined

export interface ResponseRule {
  readonly schema?: Schema
  readonly description?: string
  /** `application/json` when absent. */
  readonly contentType?: string | readonly string[]
}

export interface RouteExample {
  readonly summary: string
  readonly params?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, string | number>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** The status that it gives on a server with the default manifest; 2xx of `responses` when absent. */
  readonly status?: number
  /** Not run by the documentation's test, with the reason. */
  readonly skip?: string
}

/** What a handler gets besides its services. */
export interface RouteRequest<
  Params = unknown,
  Query = unknown,
  Body = unknown,
  P = Principal | undefined,
> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  readonly principal: P
  /** Aborted when the client leaves, the time is up, or the plugin must stop now. */
  readonly signal: AbortSignal
  readonly requestId: string
  readonly log: Logger
  readonly ip: string
  readonly route: RouteFacts
  readonly ctx: Context
}

/** Any request, for functions that a plugin lends to the handlers of others. */
export type AnyRequest = RouteRequest

interface RouteBase<S, P, Q, A extends Auth, B> {
  /** As @koa/router spells it: `/api/projects/:id`. Only literal segments and `:name`. */
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly auth: A
  /** A class of the limiter's config (`default`, `chat`, `auth`), or `none`. */
  readonly limit: string
  /** Up to the first byte of the reply; then 503 `handler_timeout`. */
  readonly timeoutMs: number
  /** Needed when a reply is a stream: the longest silence, and the longest life. */
  readonly stream?: { readonly idleMs: number; readonly totalMs: number }
  readonly params?: P
  readonly query?: Q
  readonly responses: Readonly<Record<number, Schema | ResponseRule>>
  /** Problems that the handler throws, for the document. */
  readonly errors?: readonly ProblemMaker[]
  readonly examples?: readonly RouteExample[]
  /** Not in the document. */
  readonly hidden?: boolean
  /** Answered even when the server sheds load. */
  readonly exempt?: boolean
  readonly handler: (
    services: S,
    request: RouteRequest<Output<P>, Output<Q>, BodyOf<B>, PrincipalOf<A>>,
  ) => unknown
}

export type SafeMethod = 'GET' | 'DELETE'
export type BodyMethod = 'POST' | 'PUT' | 'PATCH'
export type Method = SafeMethod | BodyMethod

export interface SafeRoute<S, P, Q, A extends Auth> extends RouteBase<S, P, Q, A, undefined> {
  readonly method: SafeMethod
  readonly body?: never
}

export interface BodyRoute<S, P, Q, A extends Auth, B extends BodyRule> extends RouteBase<
  S,
  P,
  Q,
  A,
  B
> {
  readonly method: BodyMethod
  readonly body: B
}

type Maybe = Schema | undefined

/** Types a route of a plugin whose services are `S`. */
export interface RouteOf<S> {
  <P extends Maybe = undefined, Q extends Maybe = undefined, const A extends Auth = Auth>(
    definition: SafeRoute<S, P, Q, A>,
  ): Route
  <
    P extends Maybe = undefined,
    Q extends Maybe = undefined,
    const A extends Auth = Auth,
    const B extends BodyRule = BodyRule,
  >(
    definition: BodyRoute<S, P, Q, A, B>,
  ): Route
}

type OperationRoute<R> = Omit<R, 'auth' | 'limit'>

/** Types a route on the operations listener: its one credential is `server.operationsToken`. */
export interface OperationOf<S> {
  <P extends Maybe = undefined, Q extends Maybe = undefined>(
    definition: OperationRoute<SafeRoute<S, P, Q, 'public'>>,
  ): Route
  <P extends Maybe = undefined, Q extends Maybe = undefined, const B extends BodyRule = BodyRule>(
    definition: OperationRoute<BodyRoute<S, P, Q, 'public', B>>,
  ): Route
}

/** The builder of both tables. It does nothing: types were checked when the plugin was compiled. */
export const routeOf = <S>() =>
  ((definition: unknown) => definition) as unknown as RouteOf<S> & OperationOf<S>

/** A route whose types have done their work. */
export interface Route extends Omit<RouteBase<never, Maybe, Maybe, Auth, undefined>, 'handler'> {
  readonly method: Method
  readonly body?: BodyRule
  readonly handler: (services: never, request: never) => unknown
}

/** A route as others may see it: the document, the meter, the console. */
export interface RouteFacts extends Omit<Route, 'handler'> {
  readonly plugin: string
  readonly listener: 'public' | 'operations'
}

const replyBrand = Symbol.for('autodocops.reply')

/** A status, a body and headers. Text, bytes and streams go out as they are; anything else as JSON. */
export interface Reply {
  readonly [replyBrand]: true
  readonly status: number
  readonly body: unknown
  readonly headers: Readonly<Record<string, string | readonly string[]>>
}

/**
 * A handler returns the body (200; `undefined` is 204) or this. A stream is an `AsyncIterable` of text or
 * bytes; when it throws after the first byte, SSE gets `event: error` and anything else a destroyed socket.
 */
export const reply = (
  status: number,
  body?: unknown,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Reply => ({ [replyBrand]: true, status, body, headers })

export const isReply = (value: unknown): value is Reply =>
  typeof value === 'object' && value !== null && replyBrand in value
