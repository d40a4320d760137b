import { setTimeout as sleep } from 'node:timers/promises'

import { appView, pluginReports, type PluginReport } from './app-view.ts'
import { CoreEvents } from './core-events.ts'
import type { EventBus, Events } from './events.ts'
import { refuseClashes } from './generation.ts'
import { Healing } from './healing.ts'
import { borrowed, examined, withTheRestLoaded } from './host-borrow.ts'
import { HostErrors } from './host-errors.ts'
import { Handover } from './host-handover.ts'
import { Stage } from './host-stage.ts'
import { HttpErrors } from './http/errors.ts'
import type { RootLogger } from './log.ts'
import { isLoopback, type ServerConfig } from './manifest/server-config.ts'
import type { Plan } from './plan.ts'
import type { AppView, Clock, Finding, Random } from './plugin.ts'
import { previewOf, type Preview } from './preview.ts'
import { ReadinessProbe, requireHealth, type Readiness } from './readiness.ts'
import { ReloadQueue } from './reload-queue.ts'
import { reportOf, unchanged, type ReloadReport } from './reload-report.ts'
import { Starter, type Progress } from './starter.ts'
import { nothing, type Cast, type TransitionMode } from './transition.ts'

/** From the end of the drain to the end of the last stream: time to write its last event. */
const lastWordsMs = 500

export interface HostOptions {
  /** Reads the manifest anew and plans it, beside the plan that runs; throws all faults at once. No other effect. */
  readonly plan: (running?: Plan) => Promise<Plan>
  readonly log: RootLogger
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly production: boolean
  /** Told of each start as it happens. */
  readonly progress?: (step: Progress) => void
}

/**
 * Owns the listeners and the current generation.
 *
 * boot → serving → (reload | heal)* → draining → closed. A reload plans (pure), starts what is new, checks
 * its health, swaps by one assignment, lets the replaced ones retire. Any failure before the swap stops
 * what was started, and the old generation never stopped serving.
 */
export class Host {
  readonly app: AppView = appView(() => this.#stage.current)
  readonly #options: HostOptions
  readonly #bus: EventBus
  readonly #ended = new AbortController()
  readonly #drain = new AbortController()
  readonly #stage: Stage
  readonly #queue = new ReloadQueue<ReloadReport>()
  readonly #handover: Handover
  readonly #probe: ReadinessProbe
  readonly #starter: Starter
  readonly #healing: Healing
  #booting: Promise<ReloadReport> | undefined
  #closing: Promise<void> | undefined

  constructor(options: HostOptions) {
    this.#options = options
    this.#bus = options.events.scoped(this.#ended.signal)
    this.#stage = new Stage({
      ...options,
      host: this,
      events: this.#bus,
      drain: this.#drain.signal,
      isDraining: () => this.#isDraining,
    })
    this.#starter = new Starter({
      ...options,
      progress: options.progress,
      bus: this.#bus,
      app: this.app,
      address: () => this.#stage.listeners.addresses.public,
    })
    this.#handover = new Handover((plugin, hook, error) =>
      this.#starter.failed(plugin, hook, error),
    )
    this.#healing = new Healing(options.random.float, () => {
      void this.#heal().catch((error: unknown) => {
        options.log.warn({ err: error }, 'could not heal, will try again')
        this.#healing.again()
      })
    })
    this.#probe = new ReadinessProbe(options.clock.monotonic, {
      failed: (plugin, error) => this.#starter.failed(plugin, 'health', error),
      recovered: (plugin) => options.log.info({ plugin }, 'plugin is well again'),
    })
  }

  /** Listens at once (`starting`), then starts the plugins. Rejects when a critical one fails. Once. */
  boot(): Promise<ReloadReport> {
    this.#booting ??= this.#boot()
    return this.#booting
  }

  async #boot(): Promise<ReloadReport> {
    const plan = await this.#options.plan()
    this.#refuseWhenDraining()
    await this.#stage.show(this.#stage.generation(plan, nothing, 0))
    try {
      return await this.#queue.run(() => this.#change(plan, 'boot'))
    } catch (error) {
      await this.#stage.listeners.destroy()
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
      this.#refuseWhenDraining()
      const plan = await this.#options.plan(this.#stage.current?.plan)
      if (plan.hash === actual && this.#stage.current?.unavailable.size === 0) {
        this.#emitReload('unchanged')
        return unchanged(this.#stage.current)
      }
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

  /** What a reload would do now. Rejects with the faults that would reject it. */
  async preview(): Promise<Preview> {
    const { current } = this.#stage
    const plan = await this.#options.plan(current?.plan)
    await refuseClashes(plan, current ?? nothing)
    return previewOf(plan, current ?? nothing)
  }

  /** The server block of the manifest that runs. */
  get server(): ServerConfig | undefined {
    return this.#stage.current?.plan.server
  }

  /** Somebody may be trying it out: development, on the loopback. */
  get isInviting(): boolean {
    return !this.#options.production && isLoopback(this.server?.host ?? '')
  }

  inFlight(): number {
    return this.#stage.listeners.inFlight
  }

  /** What the plugins tell a person who starts the server in development. */
  async welcome(): Promise<readonly string[]> {
    const instances = [...(this.#stage.current?.instances.values() ?? [])]
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
    return this.#stage.current?.plan.hash ?? ''
  }

  get addresses(): { readonly public: string; readonly operations: string } {
    return this.#stage.listeners.addresses
  }

  plugins(): readonly PluginReport[] {
    return pluginReports(this.#stage.current)
  }

  async readiness(): Promise<Readiness> {
    if (this.#isDraining) return { status: 'draining', plugins: [] }
    if (this.#stage.current === undefined || this.#stage.current.id === 0) {
      return { status: 'starting', plugins: [] }
    }
    return this.#probe.ask(this.#stage.current)
  }

  /** Runs `use` with the services of one plugin, started with what it needs, without listeners. */
  async borrow<T>(
    name: string,
    use: (services: object) => Promise<T>,
    { seesApp = false } = {},
  ): Promise<T> {
    const plan = await this.#options.plan()
    try {
      return await borrowed(plan, name, this.#starter, async (services, cast) => {
        if (seesApp) {
          const whole = await withTheRestLoaded(plan, cast, this.#options.clock.now())
          this.#stage.current = this.#stage.generation(plan, whole, 0)
        }
        return use(services)
      })
    } finally {
      this.#ended.abort()
    }
  }

  /** What every enabled plugin finds out about itself: built, asked, and let go; none is started. */
  async examine(online: boolean): Promise<readonly Finding[]> {
    const plan = await this.#options.plan()
    try {
      return await examined(plan, this.#starter, online, (cast) => {
        this.#stage.current = this.#stage.generation(plan, cast, 0)
      })
    } finally {
      this.#ended.abort()
    }
  }

  /**
   * Drains and stops: readiness says so, new connections are refused, requests end, streams get their last
   * event when `drain` is over, plugins stop, dependants first.
   */
  close(drainMs = this.server?.drainMs ?? 0): Promise<void> {
    this.#closing ??= this.#close(drainMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #isDraining(): boolean {
    return this.#closing !== undefined
  }

  #refuseWhenDraining(): void {
    if (this.#isDraining) throw HttpErrors.server_draining()
  }

  async #close(drainMs: number): Promise<void> {
    this.#healing.close()
    await Promise.race([this.#queue.settled(), sleep(drainMs, undefined, { ref: false })])
    const instances = [...(this.#stage.current?.instances.values() ?? [])]
    await this.#handover.deactivate(instances)
    await this.#stage.listeners.drain({
      drainMs,
      lastWordsMs,
      endStreams: () => this.#drain.abort(new Error('the server is shutting down')),
    })
    await this.#handover.stop(instances)
    await Promise.race([this.#handover.retired(), sleep(lastWordsMs, undefined, { ref: false })])
    await this.#stage.listeners.destroy()
    this.#ended.abort()
  }

  async #change(plan: Plan, mode: TransitionMode): Promise<ReloadReport> {
    const begun = performance.now()
    const before: Cast = this.#stage.current ?? nothing
    await refuseClashes(plan, before)
    const transition = this.#starter.transition(plan, mode, before, 'serve')
    const cast = await transition.run()
    if (mode === 'heal' && transition.fresh.length === 0) {
      this.#healing.again()
      return unchanged(this.#stage.current)
    }
    try {
      this.#refuseWhenDraining()
      if (mode === 'reload') await requireHealth(transition.fresh)
      await this.#stage.show(this.#stage.generation(plan, cast, (this.#stage.current?.id ?? 0) + 1))
    } catch (error) {
      await transition.rollBack()
      throw error
    }
    const retired = [...before.instances.values()].filter(
      (instance) => cast.instances.get(instance.name) !== instance,
    )
    await this.#handover.hand(retired, transition.fresh, plan.server.retireMs)
    if (cast.unavailable.size > 0) this.#healing.again()
    else this.#healing.end()
    return reportOf(plan, this.#stage.current?.id ?? 0, before, cast, performance.now() - begun)
  }

  #emitReload(outcome: 'applied' | 'rejected' | 'unchanged'): void {
    this.#bus.emit(CoreEvents, 'config:reloaded', { outcome })
  }

  async #heal(): Promise<void> {
    await this.#queue.run(async () => {
      const { plan } = this.#stage.current ?? {}
      return plan === undefined ? unchanged(undefined) : this.#change(plan, 'heal')
    })
  }
}
