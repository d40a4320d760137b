import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Metric } from 'prom-client'
import type { MetricFamily } from 'autodocops'

import type { Cell } from './cell.ts'

/**
 * The one file that knows prom-client. It renders, and measures the process; the numbers are in our own
 * cells, since its counters look their labels up anew for every request.
 */

/** prom-client names each of these twice, the second time a gauge like a counter. */
const misnamed = ['active_resources_total', 'active_handles_total', 'active_requests_total']

export class MetricRegistry {
  readonly #registry = new Registry()

  addRuntime(): void {
    collectDefaultMetrics({ register: this.#registry })
    for (const name of misnamed) this.#registry.removeSingleMetric(`nodejs_${name}`)
  }

  /** `read` is asked at every scrape. */
  add(family: MetricFamily<never>, read: () => Promise<readonly Cell[]>): void {
    const { name, help, kind } = checked(family)
    const get = async () => ({ name, help, type: kind, values: (await read()).flatMap(samples) })
    const samples = (cell: Cell) =>
      cell.lines().map(({ suffix, le, value }) => ({
        metricName: `${name}${suffix}`,
        labels: le === undefined ? {} : { le },
        sharedLabels: cell.labels,
        value,
      }))
    this.#registry.registerMetric({ name, get } as unknown as Metric)
  }

  remove(name: string): void {
    this.#registry.removeSingleMetric(name)
  }

  async text(): Promise<string> {
    return this.#registry.metrics()
  }
}

/** One wrong name, and Prometheus refuses the whole page. */
function checked(family: MetricFamily<never>): MetricFamily<never> {
  const wrong = [family.name, ...Object.keys(family.labels)].find(
    (name) => !/^[a-z_]\w*$/i.test(name) || name === 'le',
  )
  if (wrong === undefined) return family
  throw new TypeError(`the metric ${family.name} cannot be counted: '${wrong}' is no name`)
}
