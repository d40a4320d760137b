import { setTimeout as sleep } from 'node:timers/promises'

import { appView, pluginReports, type PluginReport } from './app-view.ts'
import { CoreEvents } from './core-events.ts'
import { coreFamilies } from './core-metrics.ts'
import type { EventBus, Events } from './events.ts'
import { findingsOf } from './examination.ts'
import { fillerOf, Generation, refuseClashes, type HttpSettings } from './generation.ts'
import { Healing } from './healing.ts'
import { HostErrors } from './host-errors.ts'
import { dependantsFirst, stopAll, type Instance } from './instance.ts'
import { Listeners } from './listeners.ts'
import type { RootLogger } from './log.ts'
import { isLoopback, type ServerConfig } from './manifest/server-config.ts'
import { coreMounts } from './operations.ts'
import type { Plan } from './plan.ts'
import type { AppView, Clock, Finding, Random } from './plugin.ts'
import { previewOf, type Preview } from './preview.ts'
import { ReadinessProbe, type Readiness } from './readiness.ts'
import { ReloadQueue } from './reload-queue.ts'
import { reportOf, unchanged, type ReloadReport } from './reload-report.ts'
import { Starter, type Progress } from './starter.ts'
import { excerpt, type Cast, type TransitionMode } from './transition.ts'

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
  readonly #starter: Starter
  readonly #healing: Healing
  #current: Generation | undefined
  #isDraining = false

  constructor(options: HostOptions) {
    this.#options = options
    this.#bus = options.events.scoped(this.#ended.signal)
    this.#listeners = new Listeners(options.log)
    this.#starter = new Starter({
      ...options,
      progress: options.progress,
      bus: this.#bus,
      app: this.app,
      address: () => this.#listeners.addresses.public,
    })
    this.#healing = new Healing(options.random.float, () => {
      void this.#heal().catch((error: unknown) => {
        options.log.warn({ err: error }, 'could not heal, will try again')
        this.#healing.again()
      })
    })
    this.#probe = new ReadinessProbe(options.clock.now, (plugin, error) =>
      this.#starter.failed(plugin, 'health', error),
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
    const transition = this.#starter.transition(excerpt(plan, name), 'boot', nothing, 'command')
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

  /** What every enabled plugin finds out about itself: built, asked, and let go; none is started. */
  async examine(online: boolean): Promise<readonly Finding[]> {
    const plan = await this.#options.plan()
    const transition = this.#starter.examination(plan)
    try {
      const cast = await transition.run()
      this.#current = this.#generation(plan, cast, 0)
      return await findingsOf(plan, cast, online)
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
    this.#healing.end()
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

  async #change(plan: Plan, mode: TransitionMode): Promise<ReloadReport> {
    const begun = performance.now()
    const before: Cast = this.#current ?? nothing
    const transition = this.#starter.transition(plan, mode, before, 'serve')
    const cast = await transition.run()
    if (mode === 'heal' && transition.fresh.length === 0) {
      this.#healing.again()
      return this.#unchanged()
    }
    try {
      if (this.#isDraining) throw new Error('the server is shutting down')
      if (mode === 'reload') await this.#requireHealth(transition.fresh)
      refuseClashes(plan, cast)
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
    if (cast.unavailable.size > 0) this.#healing.again()
    else this.#healing.end()
    return reportOf(plan, this.#current?.id ?? 0, before, cast, performance.now() - begun)
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
    // Not AbortSignal.timeout: on Deno that keeps the process alive for its whole time.
    const retireMs = this.#current?.plan.server.retireMs ?? 0
    const capped = sleep(retireMs, undefined, { ref: false })
    for (const instance of dependantsFirst(retired)) {
      await Promise.race([instance.idle(), capped])
      await this.#stop([instance])
    }
  }

  async #each(instances: readonly Instance[], hook: 'activate' | 'deactivate'): Promise<void> {
    for (const instance of instances) {
      await instance[hook]().catch((error: unknown) =>
        this.#starter.failed(instance.name, 'job', error),
      )
    }
  }

  #stop(instances: readonly Instance[]): Promise<void> {
    return stopAll(instances, (instance, error) =>
      this.#starter.failed(instance.name, 'stop', error),
    )
  }

  async #requireHealth(fresh: readonly Instance[]): Promise<void> {
    for (const instance of fresh) {
      for (const [check, { status, detail }] of await instance.health(healthMs)) {
        if (status !== 'fail') continue
        throw HostErrors.health_failed({ plugin: instance.name, check, detail: detail ?? 'failed' })
      }
    }
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
    return unchanged(this.#current)
  }

  #emitReload(outcome: 'applied' | 'rejected' | 'unchanged'): void {
    this.#bus.emit(CoreEvents, 'config:reloaded', { outcome })
  }

  async #heal(): Promise<void> {
    await this.#queue.run(async () => {
      const { plan } = this.#current ?? {}
      return plan === undefined ? this.#unchanged() : this.#change(plan, 'heal')
    })
  }
}
