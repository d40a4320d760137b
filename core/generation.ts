import { routeClashes } from './clashes.ts'
import { routeLines, routesOf } from './facts.ts'
import type { HttpApp, HttpAppOptions, MountedPlugin } from './http/http-app.ts'
import { createHttpApp } from './http/http-app.ts'
import type { Instance } from './instance.ts'
import type { Logger } from './log.ts'
import { FaultsError, type Fault } from './manifest/faults.ts'
import type { Plan, PlannedPlugin } from './plan.ts'
import type { SchemeFacts } from './plugin.ts'
import type { Method, Route, RouteFacts } from './route.ts'
import type { Authenticator, Limiter, MeteredPlugin, Migrator } from './slots.ts'
import type { Cast, Unavailable } from './transition.ts'

/** What both listeners' applications share, made by the host. */
export type HttpSettings = Omit<
  HttpAppOptions,
  'listener' | 'plugins' | 'authenticators' | 'lostAuthenticators' | 'limiter'
>

export interface GenerationOptions {
  readonly id: number
  readonly plan: Plan
  readonly cast: Cast
  readonly core: { readonly public: MountedPlugin; readonly operations: MountedPlugin }
  readonly http: { readonly public: HttpSettings; readonly operations: HttpSettings }
}

/** A routing table over instances. Making one has no effect; the host swaps it in by one assignment. */
export class Generation implements Cast {
  readonly id: number
  readonly plan: Plan
  readonly instances: ReadonlyMap<string, Instance>
  readonly unavailable: ReadonlyMap<string, Unavailable>
  readonly public: HttpApp
  readonly operations: HttpApp

  constructor(options: GenerationOptions) {
    const { core, http } = options
    this.id = options.id
    this.plan = options.plan
    this.instances = options.cast.instances
    this.unavailable = options.cast.unavailable
    const limiter = this.limiter()
    this.public = createHttpApp({
      ...http.public,
      listener: 'public',
      plugins: [core.public, ...this.#mount('routes', http.public.log)],
      authenticators: this.authenticators(),
      lostAuthenticators: this.lostAuthenticators(),
      limiter,
    })
    this.operations = createHttpApp({
      ...http.operations,
      listener: 'operations',
      plugins: [core.operations, ...this.#mount('operations', http.operations.log)],
      authenticators: [],
      limiter: undefined,
    })
  }

  get routes(): readonly RouteFacts[] {
    return [...this.public.routes, ...this.operations.routes]
  }

  authenticators(): HttpAppOptions['authenticators'] {
    return [...this.instances.values()].flatMap(({ plugin, services }) => {
      const authenticator = plugin.fills.authenticator as Authenticator<never> | undefined
      return authenticator === undefined ? [] : [{ authenticator, services }]
    })
  }

  lostAuthenticators(): NonNullable<HttpAppOptions['lostAuthenticators']> {
    return [...this.unavailable.values()]
      .filter(({ planned }) => planned.source.facts.fills.includes('authenticator'))
      .map(({ planned, plugin }) => ({
        plugin: planned.name,
        credential: plugin?.fills.authenticator?.credential,
      }))
  }

  /** Of everything that is on, whether it runs or not, in the order of the plan. */
  migrations(): readonly { readonly plugin: string; readonly directory: URL }[] {
    return this.plan.plugins.flatMap(({ name }) => {
      const plugin = this.instances.get(name)?.plugin ?? this.unavailable.get(name)?.plugin
      const directory = plugin?.migrations
      return directory === undefined ? [] : [{ plugin: name, directory }]
    })
  }

  /** By name, of everything that is on, whether it runs or not. */
  securitySchemes(): Readonly<Record<string, SchemeFacts>> {
    const running = [...this.instances.values()].map(({ plugin }) => plugin)
    const broken = [...this.unavailable.values()].flatMap(({ plugin }) => plugin ?? [])
    const found = [...running, ...broken].flatMap(({ fills }) => fills.authenticator ?? [])
    return Object.fromEntries(
      found.map(({ name, credential, scheme, errors = [] }) => [
        name,
        { credential, scheme, errors },
      ]),
    )
  }

  limiter(): Limiter | undefined {
    const filler = fillerOf(this.instances, 'limiter')
    return filler?.plugin.fills.limiter?.(filler.services as never)
  }

  /** The families of everything that runs, for the meter. */
  metered(): readonly MeteredPlugin[] {
    return [...this.instances.values()].map(({ name, plugin, services }) => ({
      plugin: name,
      families: plugin.metrics,
      services,
    }))
  }

  #mount(kind: 'routes' | 'operations', log: Logger): readonly MountedPlugin[] {
    const running = [...this.instances.values()].map((instance) =>
      mounted(instance, instance.routes(kind), this.#shared(kind)),
    )
    const broken = [...this.unavailable.values()].map((lost) => unmounted(lost, kind, log))
    return [...running, ...broken].filter(({ routes }) => routes.length > 0)
  }

  /** Who is asked on the way to any public route: a request holds them as well. */
  #shared(kind: 'routes' | 'operations'): readonly Instance[] {
    if (kind === 'operations') return []
    return [...this.instances.values()].filter(
      ({ plugin }) =>
        plugin.fills.authenticator !== undefined || plugin.fills.limiter !== undefined,
    )
  }
}

export function fillerOf(
  instances: ReadonlyMap<string, Instance>,
  slot: 'limiter' | 'migrator' | 'meter',
): Instance | undefined {
  return [...instances.values()].find(({ plugin }) => plugin.fills[slot] !== undefined)
}

export function migratorOf(instances: readonly Instance[]): Migrator | undefined {
  const filler = instances.find(({ plugin }) => plugin.fills.migrator !== undefined)
  return filler?.plugin.fills.migrator?.(filler.services as never)
}

/** Answers 503 for a plugin that did not start: nothing to hold, nothing to end. */
const unmounted = (
  { planned, plugin }: Unavailable,
  kind: 'routes' | 'operations',
  log: Logger,
): MountedPlugin => ({
  name: planned.name,
  routes:
    plugin === undefined
      ? promised(kind, planned.source.facts.routes)
      : routesOf(kind, plugin, planned.config),
  services: undefined,
  log,
  signal: new AbortController().signal,
  enter: () => undefined,
  leave: () => undefined,
})

/** Of code that cannot be loaded the facts are known: enough to say that it is not running. */
const promised = (kind: 'routes' | 'operations', lines: readonly string[]): readonly Route[] =>
  lines.flatMap((line) => {
    const [, prefix, method = '', path = ''] = /^(operations )?(\S+) (\S+)$/.exec(line) ?? []
    if ((prefix === undefined) !== (kind === 'routes')) return []
    return [{ ...never, method: method as Method, path }]
  })

const never = {
  summary: 'Cannot be loaded',
  auth: 'public',
  limit: 'none',
  timeoutMs: 1_000,
  responses: {},
  hidden: true,
  handler: () => undefined,
} as const

function mounted(
  instance: Instance,
  routes: readonly Route[],
  shared: readonly Instance[],
): MountedPlugin {
  const holds = [...new Set([...instance.closure, ...shared.flatMap(({ closure }) => closure)])]
  return {
    name: instance.name,
    routes,
    services: instance.services,
    log: instance.log,
    signal: instance.signal,
    enter: () => holds.forEach((held) => held.enter()),
    leave: () => holds.forEach((held) => held.leave()),
  }
}

/**
 * What the plan could not see, since it loads no code without need: routes that clash by a config. Comes before
 * anything is started; instances that stay have their tables already. Throws a FaultsError.
 */
export async function refuseClashes(plan: Plan, before: Cast): Promise<void> {
  const asWritten = plan.plugins.toSorted((a, b) => a.position.line - b.position.line)
  const tables = asWritten.map(async (planned) => ({
    plugin: planned.name,
    routes: await actualRoutes(planned, before.instances.get(planned.name)),
  }))
  const clashes = routeClashes(await Promise.all(tables))
  const faults = clashes.map(({ code, plugins: [name], message, hint }): Fault => {
    const at = plan.plugins.find((planned) => planned.name === name)?.position
    const position = at ?? { file: '', line: 1, col: 1 }
    const advice = hint === undefined ? {} : { hint }
    return { ...position, code, path: `plugins.${name}`, message, ...advice, severity: 'error' }
  })
  if (faults.length > 0) throw new FaultsError(faults)
}

/** None of code that cannot be loaded: its start will tell. */
async function actualRoutes(
  { key, source, config }: PlannedPlugin,
  running: Instance | undefined,
): Promise<readonly string[]> {
  if (running?.key === key) return routeLines((kind) => running.routes(kind))
  return source.load().then(
    (plugin) => routeLines((kind) => routesOf(kind, plugin, config)),
    () => [],
  )
}
