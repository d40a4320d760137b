import type { Collected, EventBus, Logger, MeteredPlugin, MetricFamily } from 'autodocops'

import { cellOf, type Cell } from './cell.ts'
import { MetricsEvents } from './contract.ts'
import { closedSets, Series, type LabelSet } from './series.ts'

/** What it takes to count one family, whoever its plugin's instance is. */
export interface FamilyOptions {
  readonly family: MetricFamily<never>
  readonly events: EventBus
  readonly log: Logger
  readonly maxSeries: number
}

/**
 * One metric that is counted. It listens to events, not to instances, so its numbers survive every reload
 * of its plugin; only `known` and `collect` need the services of the instance that runs now.
 */
export class CountedFamily {
  readonly family: MetricFamily<never>
  readonly #options: FamilyOptions
  readonly #endings: (() => void)[] = []
  #series: Series<Cell>
  #services: MeteredPlugin['services'] | undefined
  #isKnown = false

  constructor(options: FamilyOptions) {
    this.family = options.family
    this.#options = options
    this.#series = this.#empty()
    const { labels, on, collect } = this.family
    for (const [event, sample] of Object.entries(on)) this.#listen(event, sample)
    if (collect === undefined) closedSets(labels).forEach((set) => this.#appear(set))
  }

  /** The plugin's instance of now; it is asked when somebody scrapes. */
  use(services: MeteredPlugin['services']): void {
    this.#services = services
    this.#isKnown = false
  }

  /** The numbers of now. A gauge that cannot be read has none. */
  async read(): Promise<readonly Cell[]> {
    const { collect, name } = this.family
    try {
      this.#showKnown()
      if (collect !== undefined) await this.#collect(collect)
    } catch (error) {
      if (collect !== undefined) this.#series = this.#empty()
      this.#options.log.warn({ err: error, metric: name }, 'a metric could not be read')
    }
    return this.#series.cells
  }

  close(): void {
    for (const end of this.#endings.splice(0)) end()
  }

  #showKnown(): void {
    if (this.#isKnown || this.#services === undefined) return
    for (const labels of this.family.known?.(this.#services as never) ?? []) this.#appear(labels)
    this.#isKnown = true
  }

  #empty(): Series<Cell> {
    return new Series(this.family.labels, this.#options.maxSeries, cellOf(this.family))
  }

  #appear(labels: LabelSet): void {
    if (this.#series.find(labels) === undefined) this.#series.add(labels)
  }

  #listen(name: string, sample: (payload: never) => unknown): void {
    const heard = (payload: unknown) => {
      const made = sample(payload as never) as LabelSet | readonly [LabelSet, number] | undefined
      if (made === undefined) return
      if (isPair(made)) this.#record(made[0], made[1])
      else this.#record(made, 1)
    }
    // The family says which event by name; whose it is shows in the name.
    this.#endings.push(this.#options.events.on({ owner: '' } as never, name as never, heard))
  }

  #record(labels: LabelSet, amount: number): void {
    const known = this.#series.find(labels)
    if (known !== undefined) return known.add(amount)
    const { cell, isDropped } = this.#series.add(labels)
    cell.add(amount)
    if (!isDropped) return
    const { events, family } = this.#options
    events.emit(MetricsEvents, 'metrics:series-dropped', { metric: family.name })
  }

  async #collect(collect: NonNullable<MetricFamily<never>['collect']>): Promise<void> {
    const values = this.#services === undefined ? [] : await collect(this.#services as never)
    this.#series = this.#empty()
    for (const [labels, value] of pairsOf(values)) this.#record(labels, value)
  }
}

const isPair = (
  sample: LabelSet | readonly [LabelSet, number],
): sample is readonly [LabelSet, number] => Array.isArray(sample)

const pairsOf = (collected: Collected): readonly (readonly [LabelSet, number])[] =>
  typeof collected === 'number' ? [[{}, collected]] : collected
