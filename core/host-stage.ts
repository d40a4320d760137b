import { coreFamilies, type Watched } from './core-metrics.ts'
import { fillerOf, Generation } from './generation.ts'
import { httpSettings, type HttpSurroundings } from './host-http.ts'
import { Layers } from './http/dispatch.ts'
import { Listeners } from './listeners.ts'
import type { RootLogger } from './log.ts'
import { coreMounts, type Operated } from './operations.ts'
import type { Plan } from './plan.ts'
import type { Cast } from './transition.ts'

export interface StageOptions extends Omit<HttpSurroundings, 'log' | 'layers' | 'address'> {
  /** What the core's own routes and metrics are about. */
  readonly host: Operated & Watched['host']
  readonly log: RootLogger
}

/** The current generation, and the listeners that it is seen through. */
export class Stage {
  readonly listeners: Listeners
  current: Generation | undefined
  readonly #options: StageOptions
  readonly #layers = new Layers()

  constructor(options: StageOptions) {
    this.#options = options
    this.listeners = new Listeners(options.log)
  }

  /** A generation that nobody sees yet. Number 0 answers `starting`. */
  generation(plan: Plan, cast: Cast, id: number): Generation {
    const { host, ...around } = this.#options
    const address = () => this.listeners.addresses.public
    const http = httpSettings(plan.server, id === 0, { ...around, layers: this.#layers, address })
    return new Generation({ id, plan, cast, core: coreMounts(host, around.log), http })
  }

  /** All that may be refused comes before the swap itself: addresses, and what the meter cannot count. */
  async show(next: Generation): Promise<void> {
    const takeBack = await this.listeners.open(next.plan.server)
    try {
      this.#meter(next)
    } catch (error) {
      await takeBack()
      if (this.current !== undefined) this.#meter(this.current)
      throw error
    }
    this.#swap(next)
    this.#warnOfStrangers(next)
  }

  /** Their routes answer as they should; whoever switched the plugin off may not have thought of them. */
  #warnOfStrangers(next: Generation): void {
    const plugins = pluginsWithoutBearers(next)
    if (plugins.length === 0) return
    const could = next.plan.disabled.filter(({ fills }) => fills.includes('authenticator'))
    const hint = could.length > 0 && `enable one of: ${could.map(({ name }) => name).join(', ')}`
    this.#options.log.warn(
      { plugins, ...(hint && { hint }) },
      'no plugin reads the Authorization header: routes that need a user answer 401 to it',
    )
  }

  /** One assignment on each listener. */
  #swap(next: Generation): void {
    this.current = next
    this.#options.log.setLevel(next.plan.log.level)
    this.listeners.use(next)
  }

  #meter(generation: Generation): void {
    const meter = fillerOf(generation.instances, 'meter')
    const core = { plugin: 'core', families: coreFamilies, services: { host: this.#options.host } }
    meter?.plugin.fills.meter?.(meter.services as never).use([core, ...generation.metered()])
  }
}

/** Who has routes for known users, when nobody that is on reads a credential of the `Authorization` header. */
function pluginsWithoutBearers(generation: Generation): readonly string[] {
  const schemes = Object.values(generation.securitySchemes())
  if (schemes.some(({ credential }) => credential === 'authorization')) return []
  const needy = generation.public.routes.filter(
    ({ auth }) => auth === 'user' || typeof auth === 'object',
  )
  return [...new Set(needy.map(({ plugin }) => plugin))]
}
