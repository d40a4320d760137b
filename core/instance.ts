import { within } from './deadline.ts'
import { routesOf } from './facts.ts'
import { HostErrors } from './host-errors.ts'
import { withLogContext } from './log-context.ts'
import type { Logger } from './log.ts'
import type { Health, Plugin } from './plugin.ts'
import type { Route } from './route.ts'
import { buildServices } from './services.ts'
import type { Migrator } from './slots.ts'

const stopTimeoutMs = 10_000

export interface InstanceOptions {
  readonly plugin: Plugin
  readonly config: unknown
  readonly key: string
  /** The running instances that it depends on, directly. */
  readonly needs: readonly Instance[]
  /** `log`, `clock`, `random`, `events`, `server`, `app`; made for this instance by the host. */
  readonly provide: (instance: Instance) => Readonly<Record<string, unknown>>
  readonly log: Logger
  readonly now: () => number
}

type State = 'new' | 'started' | 'active' | 'retiring' | 'stopped'

/**
 * One started plugin. new → started → active → retiring → stopped; from every state it can be stopped,
 * once. While it lives, generations share it: same key, same instance.
 */
export class Instance {
  readonly plugin: Plugin
  readonly config: unknown
  readonly key: string
  readonly needs: readonly Instance[]
  /** This one and all that it stands on, itself included. A request holds them all. */
  readonly closure: readonly Instance[]
  readonly log: Logger
  readonly since: number
  startMs = 0
  readonly #abort = new AbortController()
  readonly #provide: InstanceOptions['provide']
  readonly #tables: { routes?: readonly Route[]; operations?: readonly Route[] } = {}
  #services: Readonly<Record<string, unknown>> | undefined
  #state: State = 'new'
  #inFlight = 0
  #whenIdle: (() => void)[] = []

  constructor(options: InstanceOptions) {
    this.plugin = options.plugin
    this.config = options.config
    this.key = options.key
    this.needs = options.needs
    this.closure = [...new Set([this, ...options.needs.flatMap((needed) => needed.closure)])]
    this.log = options.log
    this.since = options.now()
    this.#provide = options.provide
  }

  get name(): string {
    return this.plugin.name
  }

  get state(): State {
    return this.#state
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get services(): Readonly<Record<string, unknown>> {
    if (this.#services === undefined) throw new Error(`plugin '${this.name}' is not built`)
    return this.#services
  }

  /** Made once, since it comes from config alone; the same routes for every generation. */
  routes(kind: 'routes' | 'operations'): readonly Route[] {
    this.#tables[kind] ??= routesOf(kind, this.plugin, this.config)
    return this.#tables[kind]
  }

  /** What it promised under a token's id; undefined when it is not this plugin's. */
  provided(id: string): unknown {
    const name = Object.entries(this.plugin.provides).find(([, token]) => token.id === id)?.[0]
    return name === undefined ? undefined : this.services[name]
  }

  /** Builds, migrates, starts. When it fails or is late, it is stopped before this rejects. */
  async start(budgetMs: number, migrate: (instance: Instance) => Promise<void>): Promise<void> {
    const begun = performance.now()
    const starting = this.#within(() => this.#start(migrate))
    try {
      await within(budgetMs, starting, () =>
        HostErrors.plugin_start_timeout({ plugin: this.name, ms: budgetMs }),
      )
      this.startMs = performance.now() - begun
      this.#state = 'started'
    } catch (error) {
      // What fails on the way back is told, and does not hide why.
      const told = (failure: unknown) => this.log.error({ err: failure }, 'could not be stopped')
      await this.stop().catch(told)
      // A start that ends after all finds its instance stopped; its own failure was told already.
      void starting.then(
        () => this.#stopHook().catch(told),
        () => undefined,
      )
      throw error
    }
  }

  /** Its services, without a start: to be asked, and stopped. */
  build(): void {
    this.#services = this.#within(() =>
      buildServices(this.plugin, { ...this.#imports(), ...this.#provide(this) }),
    )
  }

  async #start(migrate: (instance: Instance) => Promise<void>): Promise<void> {
    this.build()
    if (this.plugin.migrations !== undefined) await migrate(this)
    await this.plugin.start?.(this.#services as never)
  }

  #imports(): Record<string, unknown> {
    const entries = Object.entries(this.plugin.requires).map(([name, token]) => [
      name,
      this.needs
        .map((needed) => needed.provided(token.id))
        .find((service) => service !== undefined),
    ])
    return { config: this.config, lifecycle: this.signal, ...Object.fromEntries(entries) }
  }

  /** Every check with its result; a check that throws or is late fails. */
  async health(timeoutMs: number): Promise<ReadonlyMap<string, Health>> {
    const checks = Object.entries(this.plugin.health?.checks ?? {})
    const results = checks.map(async ([name, check]) => {
      const asked = this.#within(async () => check(this.services as never))
      const late = () => new Error(`no answer within ${timeoutMs} ms`)
      const failed = (error: unknown): Health => ({ status: 'fail', detail: messageOf(error) })
      return [name, await within(timeoutMs, asked, late).catch(failed)] as const
    })
    return new Map(await Promise.all(results))
  }

  async activate(): Promise<void> {
    if (this.#state !== 'started') return
    this.#state = 'active'
    await this.#within(() => this.plugin.activate?.(this.services as never))
  }

  /** Stops consuming; requests that it has go on. */
  async deactivate(): Promise<void> {
    const wasActive = this.#state === 'active'
    if (wasActive || this.#state === 'started') this.#state = 'retiring'
    if (wasActive) await this.#within(() => this.plugin.deactivate?.(this.services as never))
  }

  /** Once, whatever came before. Rejects when the plugin's own stop does, after all else is done. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopped'
    this.#abort.abort(new Error(`plugin '${this.name}' is stopping`))
    await this.#stopHook()
  }

  async #stopHook(): Promise<void> {
    if (this.#services === undefined) return
    const stopping = this.#within(async () => this.plugin.stop?.(this.#services as never))
    await within(stopTimeoutMs, stopping, () =>
      HostErrors.plugin_stop_timeout({ plugin: this.name, ms: stopTimeoutMs }),
    )
  }

  /** In this plugin's context: its log lines say so, and so do faults that nobody catches. */
  #within<T>(work: () => T): T {
    return withLogContext({ plugin: this.name }, work)
  }

  enter(): void {
    this.#inFlight += 1
  }

  leave(): void {
    this.#inFlight -= 1
    if (this.#inFlight > 0) return
    for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  /** Resolves when no request holds it. */
  async idle(): Promise<void> {
    if (this.#inFlight === 0) return
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }
}

/** Ends what retires or drains, dependants first; one that fails does not keep the rest from stopping. */
export async function stopAll(
  instances: readonly Instance[],
  failed: (instance: Instance, error: unknown) => void,
): Promise<void> {
  for (const instance of dependantsFirst(instances)) {
    await instance.stop().catch((error: unknown) => failed(instance, error))
  }
}

/** Whoever stands on more comes earlier: a dependant's closure holds its dependencies', and itself. */
export const dependantsFirst = (instances: readonly Instance[]): readonly Instance[] =>
  instances.toSorted((a, b) => b.closure.length - a.closure.length)

/** The part of a migration that is the core's: when, and whether. */
export const migrateWith =
  (migratorOf: () => Migrator | undefined, mode: 'boot' | 'reload') =>
  async (instance: Instance): Promise<void> => {
    const { migrations } = instance.plugin
    const migrator = migratorOf()
    if (migrations === undefined || migrator === undefined) return
    const { pending, isNew } = await migrator.state(instance.name, migrations)
    if (pending.length === 0) return
    if (mode === 'reload' && !isNew) {
      throw HostErrors.migration_pending({ plugin: instance.name, pending })
    }
    const applied = await migrator.up(instance.name, migrations)
    instance.log.info({ applied }, 'migrated')
  }

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
