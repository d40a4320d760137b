import type * as z from 'zod'

import type { ProblemMaker } from './errors.ts'
import type { DashboardRow } from './dashboard.ts'
import type { EventBus } from './events.ts'
import type { Logger } from './log.ts'
import type { MetricFamily } from './metric.ts'
import type { OperationOf, Route, RouteFacts, RouteOf } from './route.ts'
import type { HardTokens, Resolved, ServiceOf, Tokens } from './service.ts'
import type { Authenticator, Fills } from './slots.ts'

/** Time, injected so that tests can turn it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds since some start, never going back. */
  readonly monotonic: () => number
}

/** Chance, injected so that tests can repeat it. */
export interface Random {
  /** In [0, 1). */
  readonly float: () => number
  readonly bytes: (count: number) => Buffer
  /** A UUIDv7: later ones sort later. */
  readonly uuid: () => string
}

/** What a plugin may know of the server that it runs in. */
export interface ServerFacts {
  /** `NODE_ENV=production` and nothing else. */
  readonly production: boolean
  /**
   * `serve`: a server; `command`: one CLI verb, which may run beside a server on the same `dataDir`;
   * `examine`: built to be asked by `autodocops doctor`, never started, so nothing may be made or opened.
   */
  readonly role: 'serve' | 'command' | 'examine'
  readonly dataDir: string
  /** How long this instance's `start` may take: the plugin's own `startTimeoutMs` at boot, less in a reload. */
  readonly startBudgetMs: number
  /** `server.publicUrl`, else the address that the public listener has; without a trailing slash. */
  readonly publicUrl: string
  /** Origins that browsers may call from, besides our own. */
  readonly origins: readonly string[]
  /** False when the public listener can be reached from other machines. */
  readonly loopback: boolean
  /** For a command: the operations listener of the server that runs on this `dataDir`, if one does. */
  readonly operations:
    | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
    | undefined
}

export interface PluginState {
  readonly name: string
  readonly version: string
  readonly summary: string
  /** `unavailable`: its start failed and it is not critical; the core tries again. */
  readonly state: 'running' | 'unavailable' | 'disabled'
  readonly since: string | null
  readonly lastError: string | null
}

/** An authenticator as others may see it. */
export interface SchemeFacts extends Pick<Authenticator<never>, 'credential' | 'scheme'> {
  readonly errors: readonly ProblemMaker[]
}

/** The running application, as any plugin may see it. */
export interface AppView {
  /** Of this package. */
  readonly version: string
  /** The routes of the current generation, public and operations, the core's own included. */
  readonly routes: () => readonly RouteFacts[]
  readonly plugins: () => readonly PluginState[]
  /** The folders of migrations of every plugin that is on, dependencies first. */
  readonly migrations: () => readonly { readonly plugin: string; readonly directory: URL }[]
  /** Security schemes of the running authenticators, by name. */
  readonly securitySchemes: () => Readonly<Record<string, SchemeFacts>>
}

/** What every plugin gets besides what it declares. */
export interface Provided<C> {
  readonly config: C
  readonly log: Logger
  /** Aborted when this instance stops. */
  readonly lifecycle: AbortSignal
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly server: ServerFacts
  readonly app: AppView
}

export type Services<C, R, P, I> = Provided<C> & Resolved<R> & Resolved<P> & Resolved<I>

export interface Health {
  readonly status: 'pass' | 'warn' | 'fail'
  readonly detail?: string
}

interface Seen {
  /** What was looked at, in a word or two: `clock of the database`. */
  readonly check: string
  /** What was found. Never a secret. */
  readonly saw: string
}

/** One thing that `autodocops doctor` looked at. What is not well cannot be told without what to do about it. */
export type Finding =
  | (Seen & { readonly verdict: 'ok' | 'skipped' })
  | (Seen & { readonly verdict: 'warning' | 'failed'; readonly fix: string })

export interface Examination {
  /** `--online`: services on the internet may be asked as well. */
  readonly online: boolean
  /** Aborted after five seconds, or when the plugin is stopped; what was found by then is waited for a second more. */
  readonly signal: AbortSignal
}

export type Examine<S> = (services: S, examination: Examination) => Promise<readonly Finding[]>

export interface CommandIo {
  readonly out: (line: string) => void
  readonly err: (line: string) => void
  /** What a long command is at, for a person at a terminal; told to nobody else. */
  readonly step: (line: string) => void
  /** `--json` was given: print one JSON value and nothing else. */
  readonly json: boolean
}

export interface CommandOption {
  readonly type: 'string' | 'boolean'
  readonly description: string
  readonly default?: string | boolean
  readonly required?: boolean
  /** May be given several times; the value is an array. */
  readonly multiple?: boolean
  readonly alias?: string
}

/** A CLI verb: `autodocops <verb>`. */
export interface Command<S> {
  readonly summary: string
  /** Positional arguments, in order: `['id']`, `['[file]']` when it may be absent. */
  readonly positionals?: readonly string[]
  readonly options?: Readonly<Record<string, CommandOption>>
  readonly examples: readonly string[]
  /** It looks at `app`: the code of every enabled plugin is loaded, though none but what it needs is started. */
  readonly seesApp?: boolean
  /** Returns the exit code; nothing is 0. The plugin and what it needs are started, and stopped afterwards. */
  readonly run: (
    services: S,
    args: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
    io: CommandIo,
  ) => void | number | Promise<void | number>
}

type Hook<S> = (services: S) => void | Promise<void>

/** A plugin whose types have done their work; see {@link definePlugin} for what each part is. */
export interface Plugin<
  Name extends string = string,
  R extends Tokens = Tokens,
  P extends HardTokens = HardTokens,
> {
  readonly name: Name
  readonly version: string
  readonly core: string
  readonly summary: string
  readonly config: z.ZodType
  readonly requires: R
  readonly provides: P
  readonly internal: HardTokens
  readonly services: Readonly<Record<string, (services: never) => unknown>>
  readonly fills: Fills<never>
  readonly metrics: readonly MetricFamily<never>[]
  readonly dashboard?: DashboardRow
  readonly routes?: (builder: { route: RouteOf<never>; config: never }) => readonly Route[]
  readonly operations?: (builder: { route: OperationOf<never>; config: never }) => readonly Route[]
  readonly health?: {
    readonly required: boolean
    readonly checks: Readonly<Record<string, (services: never) => Health | Promise<Health>>>
  }
  readonly startTimeoutMs?: number
  readonly migrations?: URL
  readonly start?: Hook<never>
  readonly activate?: Hook<never>
  readonly deactivate?: Hook<never>
  readonly stop?: Hook<never>
  readonly describe?: (services: never) => string
  readonly volatile?: (services: never) => string | undefined
  readonly welcome?: (services: never) => readonly string[] | Promise<readonly string[]>
  readonly doctor?: Examine<never>
  readonly commands: Readonly<Record<string, Command<never>>>
  readonly examples: {
    readonly config: { readonly valid: readonly unknown[]; readonly invalid: readonly unknown[] }
  }
}

type Empty = Record<never, never>

export interface Definition<
  Name extends string,
  C extends z.ZodType,
  R extends Tokens,
  P extends HardTokens,
  I extends HardTokens,
  S = Services<z.output<C>, NoInfer<R>, NoInfer<P>, NoInfer<I>>,
> {
  /** Kebab-case; the key in the manifest, and the prefix of tables, metrics and events. */
  readonly name: Name
  readonly version: string
  /** The semver range of cores that it runs on. */
  readonly core: string
  readonly summary: string
  /** A zod 4 strictObject with defaults and `.describe()` on each key. */
  readonly config: C
  readonly requires?: R
  readonly provides?: P
  readonly internal?: I
  /** Builds `provides` and `internal`: functions of the services, or `cls(Class)`. Synchronous; connect in `start`. */
  readonly services?: {
    readonly [K in keyof NoInfer<P & I>]: (services: S) => ServiceOf<NoInfer<P & I>[K]>
  }
  readonly routes?: (builder: { route: RouteOf<S>; config: z.output<C> }) => readonly Route[]
  /** Routes on the operations listener, under `/admin/<plugin>` (the metrics plugin: `/metrics`). */
  readonly operations?: (builder: {
    route: OperationOf<S>
    config: z.output<C>
  }) => readonly Route[]
  readonly fills?: Fills<S>
  readonly metrics?: readonly MetricFamily<S>[]
  /** Its row of the dashboard "Plugins and dependencies", as data: `dashboardRow(metrics, { … })`. */
  readonly dashboard?: DashboardRow
  /** `required`: `/readyz` is 503 while a check fails. Otherwise it only says `degraded`. */
  readonly health?: {
    readonly required: boolean
    readonly checks: Readonly<Record<string, (services: S) => Health | Promise<Health>>>
  }
  /** How long `start` may take at boot; 15 s when absent. A reload gives it 12 s at most. */
  readonly startTimeoutMs?: number
  /** A folder of `0001-name.ts`; run before `start` by whoever fills the slot `migrator`. */
  readonly migrations?: URL
  /** Connect, warm up. May fail; has no effect outside yet. */
  readonly start?: Hook<S>
  /** After the swap: consumers, timers. */
  readonly activate?: Hook<S>
  /** At the swap, on the replaced one: stop consuming. */
  readonly deactivate?: Hook<S>
  /** After its last request, dependants first. */
  readonly stop?: Hook<S>
  /** What it runs on, for the tree that `start` prints: `embedded PGlite in ./data/db`. */
  readonly describe?: (services: S) => string
  /**
   * Lines for a person who starts the server in development on the loopback: URLs, a command to try.
   * Never printed in production.
   */
  readonly welcome?: (services: S) => readonly string[] | Promise<readonly string[]>
  /** What is lost when this instance is replaced (`12 sessions in memory`), for `plan`; else `undefined`. */
  readonly volatile?: (services: S) => string | undefined
  /**
   * What `autodocops doctor` finds out about this plugin. Its services are built and not started (role
   * `examine`): it asks, within five seconds, and changes nothing.
   */
  readonly doctor?: Examine<S>
  readonly commands?: Readonly<Record<string, Command<S>>>
  readonly examples: {
    readonly config: { readonly valid: readonly z.input<C>[]; readonly invalid: readonly unknown[] }
  }
}

/** With something to build, `services` is not optional. */
type Built<P, I> = [keyof P | keyof I] extends [never] ? unknown : { readonly services: unknown }

/** Describes a plugin. It does nothing when imported. */
export function definePlugin<
  const Name extends string,
  C extends z.ZodType,
  const R extends Tokens = Empty,
  const P extends HardTokens = Empty,
  const I extends HardTokens = Empty,
>(definition: Definition<Name, C, R, P, I> & Built<P, I>): Plugin<Name, NoInfer<R>, NoInfer<P>> {
  const filled = {
    requires: {},
    provides: {},
    internal: {},
    services: {},
    fills: {},
    metrics: [],
    commands: {},
    ...definition,
  }
  return Object.freeze(filled) as unknown as Plugin<Name, R, P>
}
