import type { Collected, EventBus, Logger, MeteredPlugin, MetricFamily } from 'autodocops'

import { MetricsEvents } from './contract.ts'
import type { Instrument, MetricRegistry } from './registry.ts'
import { closedSets, Series, type LabelSet } from './series.ts'

/** What it takes to count one family, whoever its plugin's instance is. */
export interface FamilyOptions {
  readonly family: MetricFamily<never>
  readonly registry: MetricRegistry
  readonly events: EventBus
  readonly log: Logger
  readonly maxSeries: number
}

/**
 * One metric that is counted. It listens to events, not to instances, so its numbers survive every reload
 * of its plugin; only `collect` needs the services of the instance that runs now.
 */
export class CountedFamily {
  readonly family: MetricFamily<never>
  readonly #events: EventBus
  readonly #log: Logger
  readonly #series: Series
  readonly #instrument: Instrument
  readonly #endings: (() => void)[] = []
  #services: MeteredPlugin['services'] | undefined

  constructor({ family, registry, events, log, maxSeries }: FamilyOptions) {
    this.family = family
    this.#events = events
    this.#log = log
    this.#series = new Series(family.labels, maxSeries)
    const { kind, name, help, labels, buckets, collect } = family
    this.#instrument = registry.add({
      kind,
      name,
      help,
      labels,
      ...(buckets !== undefined && { buckets }),
      ...(collect !== undefined && { collect: () => this.#collect() }),
    })
    for (const [event, sample] of Object.entries(family.on)) this.#listen(event, sample)
    if (collect === undefined) closedSets(labels).forEach((set) => this.#appear(set))
  }

  /** The plugin's instance of now. */
  use(services: MeteredPlugin['services']): void {
    this.#services = services
    for (const labels of this.family.known?.(services as never) ?? []) this.#appear(labels)
  }

  close(): void {
    for (const end of this.#endings.splice(0)) end()
  }

  #appear(labels: LabelSet): void {
    this.#instrument.appear(this.#series.place(labels).labels)
  }

  #listen(name: string, sample: (payload: never) => unknown): void {
    const heard = (payload: unknown) => {
      const made = sample(payload as never) as LabelSet | readonly [LabelSet, number] | undefined
      if (made === undefined) return
      const [labels, amount] = isPair(made) ? made : [made, 1]
      this.#record(labels, amount)
    }
    // The family says which event by name; whose it is shows in the name.
    this.#endings.push(this.#events.on({ owner: '' } as never, name as never, heard))
  }

  #record(labels: LabelSet, amount: number): void {
    const placed = this.#series.place(labels)
    this.#instrument.record(placed.labels, amount)
    if (placed.isDropped) {
      this.#events.emit(MetricsEvents, 'metrics:series-dropped', { metric: this.family.name })
    }
  }

  async #collect(): Promise<readonly (readonly [LabelSet, number])[]> {
    if (this.#services === undefined) return []
    try {
      return valuesOf(await this.family.collect?.(this.#services as never))
    } catch (error) {
      this.#log.warn({ err: error, metric: this.family.name }, 'a gauge could not be read')
      return []
    }
  }
}

const isPair = (
  sample: LabelSet | readonly [LabelSet, number],
): sample is readonly [LabelSet, number] => Array.isArray(sample)

function valuesOf(collected: Collected | undefined): readonly (readonly [LabelSet, number])[] {
  if (collected === undefined) return []
  return typeof collected === 'number' ? [[{}, collected]] : collected
}
