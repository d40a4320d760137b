import type { EventBus, Logger, Meter, MeteredPlugin, MetricFamily } from 'autodocops'

import type { MetricsConfig } from './config.ts'
import type { MetricsService } from './contract.ts'
import { CountedFamily } from './family.ts'
import { MetricRegistry } from './registry.ts'

interface Needs {
  readonly config: MetricsConfig
  readonly events: EventBus
  readonly log: Logger
}

/** Counts what the running plugins declare. A family stays, with its numbers, while somebody declares it. */
export class PrometheusMeter implements Meter, MetricsService {
  readonly #config: MetricsConfig
  readonly #events: EventBus
  readonly #log: Logger
  readonly #registry = new MetricRegistry()
  readonly #families = new Map<string, CountedFamily>()
  #rendering: Promise<string> | undefined
  renderSeconds = 0
  /** The names of all families that are counted. */
  declared: readonly string[] = []

  constructor({ config, events, log }: Needs) {
    this.#config = config
    this.#events = events
    this.#log = log
    if (config.runtime) this.#registry.addRuntime()
  }

  use(plugins: readonly MeteredPlugin[]): void {
    this.declared = plugins.flatMap(({ families }) => families.map(({ name }) => name))
    for (const name of this.#families.keys()) if (!this.declared.includes(name)) this.#drop(name)
    for (const { families, services } of plugins) {
      for (const family of families) this.#counted(family).use(services)
    }
  }

  async render(): Promise<string> {
    this.#rendering ??= this.#render().finally(() => {
      this.#rendering = undefined
    })
    return this.#rendering
  }

  close(): void {
    for (const name of this.#families.keys()) this.#drop(name)
  }

  async #render(): Promise<string> {
    const begun = performance.now()
    const text = await this.#registry.text()
    this.renderSeconds = (performance.now() - begun) / 1_000
    return text
  }

  /** The one of that name; anew when its definition has changed, as in another version of its plugin. */
  #counted(family: MetricFamily<never>): CountedFamily {
    const known = this.#families.get(family.name)
    if (known !== undefined && isSame(known.family, family)) return known
    if (known !== undefined) this.#drop(family.name)
    this.#registry.add(family, async () => this.#families.get(family.name)?.read() ?? [])
    const counted = new CountedFamily({
      family,
      events: this.#events,
      log: this.#log,
      maxSeries: this.#config.maxSeries,
    })
    this.#families.set(family.name, counted)
    return counted
  }

  #drop(name: string): void {
    this.#families.get(name)?.close()
    this.#families.delete(name)
    this.#registry.remove(name)
  }
}

/** Modules are loaded once, so the same family is the same object in every generation. */
const isSame = (a: MetricFamily<never>, b: MetricFamily<never>) => a === b
