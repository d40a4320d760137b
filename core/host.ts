import { setTimeout as sleep } from 'node:timers/promises'

import { isLoopback, type ServerConfig } from './manifest/server-config.ts'
import { credential, findServer } from './running-server.ts'
import { appView, pluginReports, type PluginReport } from './app-view.ts'
import { CoreEvents } from './core-events.ts'
import { coreFamilies } from './core-metrics.ts'
import type { EventBus, Events } from './events.ts'
import { fillerOf, Generation, migratorOf, type HttpSettings } from './generation.ts'
import { HostErrors } from './host-errors.ts'
import { dependantsFirst, Instance, messageOf, migrateWith, stopAll } from './instance.ts'
import { Listeners } from './listeners.ts'
import type { RootLogger } from './log.ts'
import { generatedSecret } from './manifest/generated-secrets.ts'
import { coreMounts } from './operations.ts'
import type { Plan, PlannedPlugin } from './plan.ts'
import type { AppView, Clock, Plugin, Random, ServerFacts } from './plugin.ts'
import { provide } from './provide.ts'
import { previewOf, type Preview } from './preview.ts'
import { ReadinessProbe, type Readiness } from './readiness.ts'
import { ReloadQueue } from './reload-queue.ts'
import { Transition, type Cast, type TransitionOptions } from './transition.ts'

/** How long `start` may take when the plugin does not say. */
const defaultStartMs = 15_000
const reloadStartMs = 12_000
const healthMs = 2_000
/** From the end of the drain to the end of the last stream: time to write its last event. */
const lastWordsMs = 500

export interface HostOptions {
  /** Reads the manifest anew and plans it; throws all faults at once. No other effect. */
  readonly plan: () => Promise<Plan>
  readonly log: RootLogger
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly production: boolean
  /** Told of each start as it happens. */
  readonly progress?: (step: Progress) => void
}

export interface Progress {
  readonly plugin: string
  readonly step: 'starting' | 'started' | 'failed'
  readonly ms: number
  readonly runsOn: string | undefined
  readonly error: string | undefined
}

export interface ReloadReport {
  readonly changed: boolean
  readonly generation: number
  readonly hash: string
  readonly started: readonly string[]
  readonly kept: readonly string[]
  readonly retired: readonly string[]
  readonly unavailable: readonly { readonly plugin: string; readonly error: string }[]
  readonly ms: number
}

const nothing: Cast = { instances: new Map(), unavailable: new Map() }

/**
 * Owns the listeners and the current generation.
 *
 * boot → serving → (reload | heal)* → draining → closed. A reload plans (pure), starts what is new, checks
 * its health, swaps by one assignment, lets the replaced ones retire. Any failure before the swap stops
 * what was started, and the old generation never stopped serving.
 */
export class Host {
  readonly app: AppView = appView(() => this.#current)
  readonly #options: HostOptions
  readonly #bus: EventBus
  readonly #ended = new AbortController()
  readonly #drain = new AbortController()
  readonly #listeners: Listeners
  readonly #queue = new ReloadQueue<ReloadReport>()
  readonly #retiring = new Set<Promise<void>>()
  readonly #probe: ReadinessProbe
  #current: Generation | undefined
  #isDraining = false
  #healing: { timer: NodeJS.Timeout; tries: number } | undefined

  constructor(options: HostOptions) {
    this.#options = options
    this.#bus = options.events.scoped(this.#ended.signal)
    this.#listeners = new Listeners(options.log)
    this.#probe = new ReadinessProbe(options.clock.now, (plugin, error) =>
      this.#failed(plugin, 'health', error),
    )
  }

  /** Listens at once (`starting`), then starts the plugins. Rejects when a critical one fails. */
  async boot(): Promise<ReloadReport> {
    const plan = await this.#options.plan()
    await this.#listeners.open(plan.server)
    this.#install(this.#generation(plan, nothing, 0))
    try {
      return await this.#queue.run(() => this.#change(plan, 'boot'))
    } catch (error) {
      await this.#listeners.destroy()
      throw error
    }
  }

  /** Takes over what the manifest says now. Rejects with the faults; then nothing has changed. */
  reload(ifMatch?: string): Promise<ReloadReport> {
    return this.#queue.coalesce(ifMatch ?? '', () => this.#reload(ifMatch))
  }

  async #reload(ifMatch: string | undefined): Promise<ReloadReport> {
    try {
      const actual = this.hash
      if (ifMatch !== undefined && ifMatch !== actual) {
        throw HostErrors.manifest_changed({ expected: ifMatch, actual })
      }
      const plan = await this.#options.plan()
      if (plan.hash === actual && this.#current?.unavailable.size === 0) return this.#unchanged()
      const report = await this.#change(plan, 'reload')
      this.#emitReload('applied')
      this.#options.log.info({ ...report }, 'reloaded')
      return report
    } catch (error) {
      this.#emitReload('rejected')
      this.#options.log.error({ err: error }, 'reload rejected, nothing has changed')
      throw error
    }
  }

  /** What a reload would do now. */
  async preview(): Promise<Preview> {
    return previewOf(await this.#options.plan(), this.#current ?? nothing)
  }

  /** The server block of the manifest that runs. */
  get server(): ServerConfig | undefined {
    return this.#current?.plan.server
  }

  /** Somebody may be trying it out: development, on the loopback. */
  get isInviting(): boolean {
    return !this.#options.production && isLoopback(this.server?.host ?? '')
  }

  inFlight(): number {
    return this.#listeners.inFlight
  }

  /** What the plugins tell a person who starts the server in development. */
  async welcome(): Promise<readonly string[]> {
    const instances = [...(this.#current?.instances.values() ?? [])]
    const lines = instances.map(
      async ({ plugin, services }) => plugin.welcome?.(services as never) ?? [],
    )
    return (await Promise.all(lines)).flat()
  }

  /** Listeners of events, for leak tests. */
  get listeners(): number {
    return this.#options.events.size
  }

  get hash(): string {
    return this.#current?.plan.hash ?? ''
  }

  get addresses(): { readonly public: string; readonly operations: string } {
    return this.#listeners.addresses
  }

  plugins(): readonly PluginReport[] {
    return pluginReports(this.#current)
  }

  async readiness(): Promise<Readiness> {
    if (this.#isDraining) return { status: 'draining', plugins: [] }
    if (this.#current === undefined || this.#current.id === 0) {
      return { status: 'starting', plugins: [] }
    }
    return this.#probe.ask(this.#current)
  }

  /** Runs `use` with the services of one plugin, started with what it needs, without listeners. */
  async borrow<T>(
    name: string,
    use: (services: object) => Promise<T>,
    { seesApp = false } = {},
  ): Promise<T> {
    const plan = await this.#options.plan()
    const transition = this.#transition(excerpt(plan, name), 'boot', nothing, 'command')
    try {
      const cast = await transition.run()
      const instance = cast.instances.get(name)
      if (instance === undefined) throw cast.unavailable.get(name)?.error
      if (seesApp) this.#current = this.#generation(plan, await this.#onlyLoaded(plan, cast), 0)
      return await use(instance.services)
    } finally {
      await transition.rollBack()
      this.#ended.abort()
    }
  }

  /** What is planned beyond this cast, loaded and not started: its routes are known, its services are not. */
  async #onlyLoaded(plan: Plan, { instances }: Cast): Promise<Cast> {
    const rest = plan.plugins.filter(({ name }) => !instances.has(name))
    const since = this.#options.clock.now()
    const error = new Error('not started for a command')
    const loaded = rest.map(
      async (planned) =>
        [planned.name, { planned, plugin: await planned.source.load(), error, since }] as const,
    )
    return { instances, unavailable: new Map(await Promise.all(loaded)) }
  }

  /**
   * Drains and stops: readiness says so, new connections are refused, requests end, streams get their last
   * event when `drain` is over, plugins stop, dependants first.
   */
  async close(drainMs = this.server?.drainMs ?? 0): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    clearTimeout(this.#healing?.timer)
    await Promise.race([this.#queue.settled(), sleep(drainMs, undefined, { ref: false })])
    const instances = [...(this.#current?.instances.values() ?? [])]
    await this.#each(dependantsFirst(instances), 'deactivate')
    await this.#listeners.drain({
      drainMs,
      lastWordsMs,
      endStreams: () => this.#drain.abort(new Error('the server is shutting down')),
    })
    await this.#stop(instances)
    await Promise.race([Promise.all(this.#retiring), sleep(lastWordsMs, undefined, { ref: false })])
    await this.#listeners.destroy()
    this.#ended.abort()
  }

  async #change(plan: Plan, mode: TransitionOptions['mode']): Promise<ReloadReport> {
    const begun = performance.now()
    const before: Cast = this.#current ?? nothing
    const transition = this.#transition(plan, mode, before, 'serve')
    const cast = await transition.run()
    try {
      if (this.#isDraining) throw new Error('the server is shutting down')
      if (mode === 'reload') await this.#requireHealth(transition.fresh)
      const next = this.#generation(plan, cast, (this.#current?.id ?? 0) + 1)
      await this.#listeners.open(plan.server)
      this.#install(next)
    } catch (error) {
      await transition.rollBack()
      throw error
    }
    const retired = [...before.instances.values()].filter(
      (instance) => cast.instances.get(instance.name) !== instance,
    )
    await this.#hand(transition.fresh, retired)
    this.#scheduleHealing()
    return {
      changed: true,
      generation: this.#current?.id ?? 0,
      hash: plan.hash,
      started: transition.fresh.map(({ name }) => name),
      kept: [...cast.instances.keys()].filter(
        (name) => before.instances.get(name) === cast.instances.get(name),
      ),
      retired: retired.map(({ name }) => name),
      unavailable: [...cast.unavailable].map(([plugin, { error }]) => ({
        plugin,
        error: messageOf(error),
      })),
      ms: performance.now() - begun,
    }
  }

  /** The swap: one assignment on each listener. */
  #install(next: Generation): void {
    this.#current = next
    this.#options.log.setLevel(next.plan.log.level)
    this.#listeners.use(next)
    const meter = fillerOf(next.instances, 'meter')
    const core = { plugin: 'core', families: coreFamilies, services: { host: this } }
    meter?.plugin.fills.meter?.(meter.services as never).use([core, ...next.metered()])
  }

  /** The old ones stop consuming before the new ones begin: rather a short gap than work done twice. */
  async #hand(fresh: readonly Instance[], retired: readonly Instance[]): Promise<void> {
    await this.#each(dependantsFirst(retired), 'deactivate')
    await this.#each(dependantsFirst(fresh).toReversed(), 'activate')
    const retiring = this.#retire(retired).finally(() => this.#retiring.delete(retiring))
    this.#retiring.add(retiring)
  }

  async #retire(retired: readonly Instance[]): Promise<void> {
    const cap = AbortSignal.timeout(this.#current?.plan.server.retireMs ?? 0)
    const capped = new Promise<void>((resolve) => cap.addEventListener('abort', () => resolve()))
    for (const instance of dependantsFirst(retired)) {
      await Promise.race([instance.idle(), capped])
      await this.#stop([instance])
    }
  }

  async #each(instances: readonly Instance[], hook: 'activate' | 'deactivate'): Promise<void> {
    for (const instance of instances) {
      await instance[hook]().catch((error: unknown) => this.#failed(instance.name, 'job', error))
    }
  }

  #stop(instances: readonly Instance[]): Promise<void> {
    return stopAll(instances, (instance, error) => this.#failed(instance.name, 'stop', error))
  }

  async #requireHealth(fresh: readonly Instance[]): Promise<void> {
    for (const instance of fresh) {
      for (const [check, { status, detail }] of await instance.health(healthMs)) {
        if (status !== 'fail') continue
        throw HostErrors.health_failed({ plugin: instance.name, check, detail: detail ?? 'failed' })
      }
    }
  }

  #transition(plan: Plan, mode: TransitionOptions['mode'], from: Cast, role: ServerFacts['role']) {
    return new Transition({
      plan,
      mode,
      from,
      now: this.#options.clock.now,
      create: (planned, plugin, key, needs) =>
        this.#create(plan, planned, plugin, key, needs, mode, role),
      start: (instance) => this.#start(instance, mode),
      failed: (plugin, hook, error) => this.#failed(plugin, hook, error),
    })
  }

  #create(
    plan: Plan,
    planned: PlannedPlugin,
    plugin: Plugin,
    key: string,
    needs: readonly Instance[],
    mode: TransitionOptions['mode'],
    role: ServerFacts['role'],
  ): Instance {
    const budget = budgetOf(plugin, mode)
    return new Instance({
      plugin,
      key,
      needs,
      config: withGeneratedSecrets(planned, plan.server.dataDir),
      log: this.#options.log.child({ plugin: planned.name }),
      now: this.#options.clock.now,
      provide: (instance) =>
        provide({ ...this.#options, app: this.app }, this.#facts(plan, role, budget), instance),
    })
  }

  #facts(plan: Plan, role: ServerFacts['role'], startBudgetMs: number): ServerFacts {
    const { server } = plan
    const listeners = this.#listeners
    return {
      production: this.#options.production,
      role,
      dataDir: server.dataDir,
      startBudgetMs,
      get publicUrl() {
        return server.publicUrl ?? listeners.addresses.public
      },
      origins: server.origins,
      loopback: isLoopback(server.host),
      operations: role === 'command' ? operationsOf(server) : undefined,
    }
  }

  async #start(instance: Instance, mode: TransitionOptions['mode']): Promise<void> {
    const { progress } = this.#options
    const plugin = instance.name
    progress?.({ plugin, step: 'starting', ms: 0, runsOn: undefined, error: undefined })
    const migrator = () => migratorOf(instance.needs)
    await instance.start(
      budgetOf(instance.plugin, mode),
      migrateWith(migrator, mode === 'boot' ? 'boot' : 'reload'),
    )
    const runsOn = instance.plugin.describe?.(instance.services as never)
    progress?.({ plugin, step: 'started', ms: instance.startMs, runsOn, error: undefined })
    this.#bus.emit(CoreEvents, 'plugin:started', { plugin, durationMs: instance.startMs })
  }

  #failed(plugin: string, hook: 'start' | 'stop' | 'health' | 'job', error: unknown): void {
    this.#options.log.error({ plugin, hook, err: error }, `plugin failed in ${hook}`)
    this.#bus.emit(CoreEvents, 'plugin:failed', { plugin, hook })
    if (hook !== 'start') return
    this.#options.progress?.({
      plugin,
      step: 'failed',
      ms: 0,
      runsOn: undefined,
      error: messageOf(error),
    })
  }

  #generation(plan: Plan, cast: Cast, id: number): Generation {
    const mounts = coreMounts(this, this.#options.log)
    return new Generation({ id, plan, cast, core: mounts, http: this.#http(plan, id === 0) })
  }

  #http(plan: Plan, starting: boolean): { public: HttpSettings; operations: HttpSettings } {
    const { server } = plan
    const shared = {
      limits: server.limits,
      trustedProxies: server.trustedProxies,
      origins: server.origins,
      publicUrl: () => server.publicUrl ?? this.#listeners.addresses.public,
      operationsToken: server.operationsToken,
      starting,
      events: this.#bus,
      log: this.#options.log,
      clock: this.#options.clock,
      random: this.#options.random,
      drain: this.#drain.signal,
      isDraining: () => this.#isDraining,
      production: this.#options.production,
    }
    return {
      public: { ...shared, isLoopback: isLoopback(server.host) },
      operations: { ...shared, isLoopback: isLoopback(server.operations.host) },
    }
  }

  #unchanged(): ReloadReport {
    this.#emitReload('unchanged')
    const kept = [...(this.#current?.instances.keys() ?? [])]
    const generation = this.#current?.id ?? 0
    const nothingElse = { started: [], retired: [], unavailable: [], ms: 0 }
    return { changed: false, generation, hash: this.hash, kept, ...nothingElse }
  }

  #emitReload(outcome: 'applied' | 'rejected' | 'unchanged'): void {
    this.#bus.emit(CoreEvents, 'config:reloaded', { outcome })
  }

  /** What did not start is tried again by the same path: 1 s, 2 s, … 60 s, each ± half. */
  #scheduleHealing(): void {
    const tries = this.#healing?.tries ?? 0
    clearTimeout(this.#healing?.timer)
    this.#healing = undefined
    if (this.#current?.unavailable.size === 0 || this.#isDraining) return
    const waitMs = Math.min(60_000, 1_000 * 2 ** tries) * (0.5 + this.#options.random.float())
    const timer = setTimeout(() => void this.#heal(), waitMs)
    this.#healing = { timer, tries: tries + 1 }
  }

  async #heal(): Promise<void> {
    await this.#queue
      .run(async () => {
        const current = this.#current
        if (current === undefined) return this.#unchanged()
        return this.#change(current.plan, 'heal')
      })
      .catch((error: unknown) => {
        this.#options.log.warn({ err: error }, 'could not heal, will try again')
        this.#scheduleHealing()
      })
  }
}

const budgetOf = (plugin: Plugin, mode: TransitionOptions['mode']): number => {
  const own = plugin.startTimeoutMs ?? defaultStartMs
  return mode === 'boot' ? own : Math.min(own, reloadStartMs)
}

/** In development a secret that nobody set is made once and kept; the plan has refused this in production. */
function withGeneratedSecrets(planned: PlannedPlugin, dataDir: string): unknown {
  if (planned.generates.length === 0) return planned.config
  const made = planned.generates.map((key) => [
    key,
    generatedSecret(dataDir, `${planned.name}.${key}`),
  ])
  return { ...(planned.config as object), ...Object.fromEntries(made) }
}

/** The part of a plan that one plugin stands on. */
function excerpt(plan: Plan, name: string): Plan {
  const wanted = new Set<string>()
  const want = (planned: PlannedPlugin | undefined): void => {
    if (planned === undefined || wanted.has(planned.name)) return
    wanted.add(planned.name)
    for (const need of planned.needs) want(plan.plugins.find((other) => other.name === need))
  }
  want(plan.plugins.find((planned) => planned.name === name))
  return { ...plan, plugins: plan.plugins.filter((planned) => wanted.has(planned.name)) }
}

function operationsOf({ dataDir, operationsToken }: ServerConfig): ServerFacts['operations'] {
  const running = findServer(dataDir)
  return running && { url: running.operations, headers: credential(operationsToken) }
}
