import { HostErrors } from './host-errors.ts'
import type { Instance } from './instance.ts'
import type { Health } from './plugin.ts'
import type { Cast } from './transition.ts'

const probeMs = 500
const admissionMs = 2_000
const cachedMs = 1_000

export interface PluginHealth {
  readonly plugin: string
  readonly required: boolean
  readonly checks: Readonly<Record<string, Health>>
}

export interface Readiness {
  /** `degraded`: serving, but something that is not required is down. Only the first two are 200. */
  readonly status: 'ready' | 'degraded' | 'unready' | 'starting' | 'draining'
  readonly plugins: readonly PluginHealth[]
}

interface Told {
  readonly failed: (plugin: string, error: Error) => void
  readonly recovered: (plugin: string) => void
}

/** Asks the health checks of what runs, at most once a second however many ask. */
export class ReadinessProbe {
  readonly #now: () => number
  readonly #told: Told
  readonly #failing = new Set<string>()
  #cached:
    | { readonly cast: Cast; readonly at: number; readonly answer: Promise<Readiness> }
    | undefined

  constructor(now: () => number, told: Told) {
    this.#now = now
    this.#told = told
  }

  async ask(cast: Cast): Promise<Readiness> {
    const known = this.#cached
    if (known?.cast === cast && this.#now() - known.at < cachedMs) return known.answer
    const answer = this.#probe(cast)
    this.#cached = { cast, at: this.#now(), answer }
    return answer
  }

  async #probe(cast: Cast): Promise<Readiness> {
    const checked = [...cast.instances.values()].filter(({ plugin }) => plugin.health !== undefined)
    const plugins = await Promise.all(checked.map(healthOf))
    const failing = plugins.filter(({ checks }) => hasFailed(checks))
    for (const one of plugins) this.#tell(one)
    const isUnready = failing.some(({ required }) => required)
    const isDegraded = failing.length > 0 || cast.unavailable.size > 0
    return { status: isUnready ? 'unready' : isDegraded ? 'degraded' : 'ready', plugins }
  }

  /** Once when it begins and once when it ends, however often a balancer asks. */
  #tell({ plugin, checks }: PluginHealth): void {
    const failure = firstFailure(checks)
    if ((failure !== undefined) === this.#failing.has(plugin)) return
    if (failure === undefined) {
      this.#failing.delete(plugin)
      return this.#told.recovered(plugin)
    }
    this.#failing.add(plugin)
    this.#told.failed(plugin, new Error(failure))
  }
}

/** What begins must be well. Throws the first check that fails. */
export async function requireHealth(fresh: readonly Instance[]): Promise<void> {
  for (const instance of fresh) {
    for (const [check, { status, detail }] of await instance.health(admissionMs)) {
      if (status !== 'fail') continue
      throw HostErrors.health_failed({ plugin: instance.name, check, detail: detail ?? 'failed' })
    }
  }
}

async function healthOf(instance: Instance): Promise<PluginHealth> {
  const checks = Object.fromEntries(await instance.health(probeMs))
  return { plugin: instance.name, required: instance.plugin.health?.required ?? false, checks }
}

const hasFailed = (checks: PluginHealth['checks']) =>
  Object.values(checks).some(({ status }) => status === 'fail')

const firstFailure = (checks: PluginHealth['checks']): string | undefined =>
  Object.entries(checks)
    .filter(([, { status }]) => status === 'fail')
    .map(([name, { detail }]) => `${name}: ${detail ?? 'failed'}`)[0]
