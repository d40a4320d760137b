import type { IncomingMessage, ServerResponse } from 'node:http'

import type { EventBus } from '../events.ts'
import type { Logger } from '../log.ts'
import type { Clock, Random } from '../plugin.ts'
import type { Route, RouteFacts } from '../route.ts'
import type { Secret } from '../secret.ts'
import type { Authenticator, Limiter } from '../slots.ts'
import type { Layers } from './dispatch.ts'
import type { Limits } from './limits.ts'
import type { Load } from './load.ts'

/** A plugin as the HTTP side sees it. */
export interface MountedPlugin {
  readonly name: string
  readonly routes: readonly Route[]
  /** `undefined`: it did not start; its routes answer 503 `plugin_unavailable`. */
  readonly services: object | undefined
  readonly log: Logger
  /** Counts a request in before its first await, and out when its reply has closed. */
  readonly enter: () => void
  readonly leave: () => void
  /** Aborted when the instance must stop now. */
  readonly signal: AbortSignal
}

export interface HttpAppOptions {
  readonly listener: 'public' | 'operations'
  /** The core's own routes come as a plugin named `core`. */
  readonly plugins: readonly MountedPlugin[]
  readonly authenticators: readonly {
    readonly authenticator: Authenticator<never>
    readonly services: object
  }[]
  /** Of plugins that did not start. What only they may know is 503 instead of 401. */
  readonly lostAuthenticators?: readonly {
    readonly plugin: string
    /** `undefined`: its code could not be loaded. */
    readonly credential: Authenticator<never>['credential'] | undefined
  }[]
  readonly limiter: Limiter | undefined
  readonly limits: Limits
  /** How many proxies in front of us are trusted to write X-Forwarded-For; 0 is none. */
  readonly trustedProxies: number
  readonly origins: readonly string[]
  readonly publicUrl: () => string
  /** Operations listener only. */
  readonly operationsToken: Secret | undefined
  readonly isLoopback: boolean
  /** Before the first plugins run: what matches nothing is 503 `starting` instead of 404. */
  readonly starting: boolean
  readonly events: EventBus
  readonly log: Logger
  readonly clock: Clock
  readonly random: Random
  /** Aborted when the process drains and the time of its streams is up. */
  readonly drain: AbortSignal
  /** True from SIGTERM on: replies carry `Connection: close`. */
  readonly isDraining: () => boolean
  readonly production: boolean
  /** Of the generations before this one. */
  readonly layers?: Layers
}

/** One generation's routes as a request handler. */
export interface HttpApp {
  /** `load` is the listener's, which outlives this generation. */
  readonly handle: (request: IncomingMessage, response: ServerResponse, load?: Load) => void
  readonly routes: readonly RouteFacts[]
}
