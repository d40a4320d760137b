import type { MetricFamily } from 'autodocops'

import type { LabelSet } from './series.ts'

/** One line of a scrape, without the family's name and the cell's labels. */
export interface Line {
  readonly suffix: '' | '_bucket' | '_sum' | '_count'
  /** The upper bound of a bucket. */
  readonly le?: string
  readonly value: number
}

/** The numbers of one label set. */
export interface Cell {
  readonly labels: LabelSet
  /** @throws {TypeError} when the metric cannot take that amount */
  readonly add: (amount: number) => void
  readonly lines: () => readonly Line[]
}

/** How a family's cells are made. */
export function cellOf({
  kind,
  buckets = [],
}: Pick<MetricFamily, 'kind' | 'buckets'>): (labels: LabelSet) => Cell {
  if (kind === 'histogram') return (labels) => new Distribution(labels, buckets)
  if (kind === 'counter') return (labels) => new Count(labels)
  return (labels) => new Sum(labels)
}

class Sum implements Cell {
  readonly labels: LabelSet
  #value = 0

  constructor(labels: LabelSet) {
    this.labels = labels
  }

  add(amount: number): void {
    this.#value += finite(amount)
  }

  lines(): readonly Line[] {
    return [{ suffix: '', value: this.#value }]
  }
}

class Count extends Sum {
  override add(amount: number): void {
    if (amount < 0) throw new TypeError(`a counter cannot go down (${amount})`)
    super.add(amount)
  }
}

class Distribution implements Cell {
  readonly labels: LabelSet
  readonly #bounds: readonly number[]
  /** One for each bucket alone, the last for what is above all bounds; a scrape adds them up. */
  readonly #counts: Float64Array
  #sum = 0

  constructor(labels: LabelSet, bounds: readonly number[]) {
    this.labels = labels
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  add(amount: number): void {
    this.#sum += finite(amount)
    let bucket = 0
    while (bucket < this.#bounds.length && amount > (this.#bounds[bucket] ?? 0)) bucket += 1
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
  }

  lines(): readonly Line[] {
    let count = 0
    const buckets = [...this.#bounds.map(String), '+Inf'].map((le, i): Line => {
      count += this.#counts[i] ?? 0
      return { suffix: '_bucket', le, value: count }
    })
    return [...buckets, { suffix: '_sum', value: this.#sum }, { suffix: '_count', value: count }]
  }
}

function finite(amount: number): number {
  if (!Number.isFinite(amount)) throw new TypeError(`a metric cannot count ${String(amount)}`)
  return amount
}
