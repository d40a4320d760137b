import type { Labels, MetricFamily } from './metric.ts'

/**
 * What a plugin wants to see of itself: one row of panels, as data about its own metrics. No server runs
 * it; `npm run generate` makes Grafana's dashboards of it (monitoring/dashboards/).
 */

type Text<V extends string> = V | readonly V[]
/** Which label sets. `like` is a regular expression, for labels whose values are known at run time only. */
export type Where<L extends Labels = Labels> = {
  readonly [K in keyof L]?: Text<L[K][number]> | { readonly like: string }
}

interface Choice<L extends Labels> {
  readonly where?: Where<L>
  /** One line for each value of these labels; one for all when absent. */
  readonly by?: readonly ((keyof L & string) | 'instance')[]
  /** What the line is called; the labels of `by` when absent. */
  readonly legend?: string
}

/** Events per second, or per hour; of a histogram, its observations. */
export interface Rate<N = string, L extends Labels = Labels> extends Choice<L> {
  readonly rate: N
  readonly per?: 'second' | 'hour'
  /** Only the five highest. */
  readonly top?: true
  /** 0 where there is nothing yet, for a line that stands for all label sets. */
  readonly orZero?: true
}

/** The share of the events of `of` that are like `share`; both within `where`. */
export interface Share<N = string, L extends Labels = Labels> extends Choice<L> {
  readonly share: Where<L>
  readonly of: N
}

export interface Quantile<N = string, L extends Labels = Labels> extends Choice<L> {
  readonly quantile: 0.5 | 0.95 | 0.99
  readonly of: N
}

/** How many observations fell into each bucket, for a heat map. */
export interface Buckets<N = string, L extends Labels = Labels> extends Choice<L> {
  readonly buckets: N
}

/** A gauge over all instances. What every instance reads from a common store is `max`, never `sum`. */
export type Level<N = string, L extends Labels = Labels> = Choice<L> &
  ({ readonly sum: N } | { readonly max: N } | { readonly min: N })

/** One by the other; both `by` the same labels. */
export interface Ratio<Q> {
  readonly part: Q
  readonly whole: Q
  readonly legend?: string
}

type Reading = Rate | Share | Quantile | Buckets | Level
export type Query = Reading | Ratio<Reading>

type ReadingOf<F> =
  F extends MetricFamily<never, 'counter', infer N, infer L>
    ? Rate<N, L> | Share<N, L>
    : F extends MetricFamily<never, 'histogram', infer N, infer L>
      ? Rate<N, L> | Quantile<N, L> | Buckets<N, L>
      : F extends MetricFamily<never, 'gauge', infer N, infer L>
        ? Level<N, L>
        : never

export type Unit = 'short' | 's' | 'bytes' | 'percentunit' | 'currencyUSD' | 'reqps' | 'ops' | 'eps'

export interface Panel<Q = Query> {
  readonly title: string
  /** What one sees there, and when to worry. */
  readonly description: string
  readonly unit: Unit
  /** `lines` when absent. */
  readonly show?: 'lines' | 'number' | 'gauge' | 'states' | 'table' | 'heat'
  readonly queries: readonly Q[]
}

export interface DashboardRow<Q = Query> {
  readonly title: string
  readonly panels: readonly Panel<Q>[]
}

/** A row over these families: a metric, label or value that they do not have does not compile. */
export const dashboardRow = <const F extends readonly MetricFamily<never>[]>(
  _families: F,
  row: DashboardRow<ReadingOf<F[number]> | Ratio<ReadingOf<F[number]>>>,
): DashboardRow => row as unknown as DashboardRow
