import type { IncomingHttpHeaders } from 'node:http'

import type { Context } from 'koa'

import type { ProblemMaker } from './errors.ts'
import type { MetricFamily } from './metric.ts'
import type { Principal } from './principal.ts'
import type { RouteFacts } from './route.ts'

export interface AuthenticationRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly ip: string
  readonly route: RouteFacts
  readonly ctx: Context
}

/** An OpenAPI 3.1 security scheme object. */
export type SecurityScheme = Readonly<Record<string, unknown>> & { readonly type: string }

/**
 * Fills the slot `authenticator` (many may). With an `Authorization` header only those that read it are
 * asked; a cookie is then not read.
 */
export interface Authenticator<S> {
  /** Name of the security scheme in the OpenAPI document. */
  readonly name: string
  readonly credential: 'authorization' | 'cookie'
  readonly scheme: SecurityScheme
  /** Problems that it throws, for the document. */
  readonly errors?: readonly ProblemMaker[]
  /** `undefined`: not my credential. Throws a problem 401, 403 or 503. */
  readonly authenticate: (
    services: S,
    request: AuthenticationRequest,
  ) => Principal | undefined | Promise<Principal | undefined>
}

export interface LimitRequest {
  /** The class that the route names: `default`, `chat`, `auth`, … */
  readonly limit: string
  /** `undefined`: anonymous; then the address counts. */
  readonly principal: Principal | undefined
  readonly ip: string
}

export interface LimitDecision {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  readonly resetMs: number
  readonly windowMs: number
}

/** Fills the slot `limiter`. Never throws: a limiter whose store is down decides by itself. */
export interface Limiter {
  readonly take: (request: LimitRequest) => LimitDecision | Promise<LimitDecision>
}

export interface MigrationState {
  readonly applied: readonly string[]
  readonly pending: readonly string[]
  /** The plugin's migration table does not exist: it never ran here. */
  readonly isNew: boolean
}

/** Fills the slot `migrator`: runs the migrations of every plugin that has some. */
export interface Migrator {
  /** Throws when the database knows migrations that the folder does not have (a newer version wrote it). */
  readonly state: (plugin: string, directory: URL) => Promise<MigrationState>
  /** Applies what is pending, once, however many processes ask; returns the names. */
  readonly up: (plugin: string, directory: URL) => Promise<readonly string[]>
}

/** The families of one running plugin; `collect` reads gauges through its services. */
export interface MeteredPlugin {
  readonly plugin: string
  readonly families: readonly MetricFamily<never>[]
  readonly services: object
}

/** Fills the slot `meter`. Called at every swap with all running plugins, the core's own families first. */
export interface Meter {
  readonly use: (plugins: readonly MeteredPlugin[]) => void
}

export interface Fills<S> {
  readonly authenticator?: Authenticator<S>
  readonly limiter?: (services: S) => Limiter
  readonly migrator?: (services: S) => Migrator
  readonly meter?: (services: S) => Meter
}

export const slots = ['authenticator', 'limiter', 'migrator', 'meter'] as const
export type Slot = (typeof slots)[number]
