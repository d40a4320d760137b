import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Labels } from 'autodocops'

import type { LabelSet } from './series.ts'

/** The one file that knows prom-client. */

export interface Definition {
  readonly kind: 'counter' | 'histogram' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: Labels
  readonly buckets?: readonly number[]
  /** Gauges that are read when somebody asks. */
  readonly collect?: () => Promise<readonly (readonly [LabelSet, number])[]>
}

export interface Instrument {
  /** Counters and gauges add, histograms observe. */
  readonly record: (labels: LabelSet, amount: number) => void
  /** Makes a label set appear, at 0. */
  readonly appear: (labels: LabelSet) => void
}

/** prom-client names each of these twice, the second time a gauge like a counter. */
const misnamed = ['active_resources_total', 'active_handles_total', 'active_requests_total']

export class MetricRegistry {
  readonly #registry = new Registry()

  addRuntime(): void {
    collectDefaultMetrics({ register: this.#registry })
    for (const name of misnamed) this.#registry.removeSingleMetric(`nodejs_${name}`)
  }

  add(definition: Definition): Instrument {
    const { kind, name, help } = definition
    const common = {
      name,
      help,
      labelNames: Object.keys(definition.labels),
      registers: [this.#registry],
    }
    if (kind === 'counter') return counting(new Counter(common))
    if (kind === 'histogram') {
      return observing(new Histogram({ ...common, buckets: [...(definition.buckets ?? [])] }))
    }
    return this.#gauge(common, definition.collect)
  }

  remove(name: string): void {
    this.#registry.removeSingleMetric(name)
  }

  async text(): Promise<string> {
    return this.#registry.metrics()
  }

  #gauge(common: ConstructorParameters<typeof Gauge>[0], read: Definition['collect']): Instrument {
    if (read === undefined) return counting(new Gauge(common))
    const gauge: Gauge = new Gauge({
      ...common,
      collect: async () => {
        const values = await read()
        gauge.reset()
        // A gauge without labels stands at 0 after a reset; one that could not be read has no value.
        if (common.labelNames?.length === 0) gauge.remove()
        for (const [labels, value] of values) gauge.set({ ...labels }, value)
      },
    })
    return counting(gauge)
  }
}

const counting = (metric: Counter | Gauge): Instrument => ({
  record: (labels, amount) => metric.inc(labels, amount),
  appear: (labels) => metric.inc(labels, 0),
})

const observing = (metric: Histogram): Instrument => ({
  record: (labels, amount) => metric.observe(labels, amount),
  appear: (labels) => metric.zero(labels),
})
