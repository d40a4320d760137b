import type { EventSet } from './events.ts'

/**
 * Metrics are data: which event counts what. The meter (a slot) turns them into numbers; nothing else in
 * a plugin mentions a metric.
 */

/** Every label and its closed set of values. */
export type Labels = Readonly<Record<string, readonly string[]>>
/** A label whose values are known at run time only (a route template, a plugin's name). */
export const open: readonly string[] = Object.freeze([])

type LabelsOf<L extends Labels> = { readonly [K in keyof L]: L[K][number] }
/** The labels, or the labels and an amount (a counter adds it, a histogram observes it); `undefined` skips. */
export type Sample<L extends Labels = Labels> =
  | LabelsOf<L>
  | readonly [LabelsOf<L>, number]
  | undefined

type Listeners<M, L extends Labels> = { readonly [K in keyof M]?: (payload: M[K]) => Sample<L> }

export type MetricKind = 'counter' | 'histogram' | 'gauge'

/** Kind, name and labels are kept as types, so that a dashboard names only what there is. */
export interface MetricFamily<
  S = never,
  K extends MetricKind = MetricKind,
  N extends string = string,
  L extends Labels = Labels,
> {
  readonly kind: K
  readonly name: N
  readonly help: string
  readonly labels: L
  readonly buckets?: readonly number[]
  readonly on: Readonly<Record<string, (payload: never) => Sample>>
  readonly collect?: (services: S) => Collected | Promise<Collected>
  /** Label sets that are there from the start, at 0, besides those of closed labels. */
  readonly known?: (services: S) => readonly Readonly<Record<string, string>>[]
}

/** One value without labels, or one for each label set. */
export type Collected = number | readonly (readonly [Readonly<Record<string, string>>, number])[]

type None = Record<never, never>

interface Definition<M, N extends string, L extends Labels> {
  readonly name: N
  readonly help: string
  readonly labels?: L
  /** The events that `on` listens to. */
  readonly from?: EventSet<M>
  readonly on: Listeners<M, L>
}

const plain = <M, L extends Labels>(on: Listeners<M, L>) => on as MetricFamily['on']
/** Without labels, `L` is {@link None}. */
const labelsOf = <L extends Labels>(labels: L | undefined) => labels ?? ({} as L)

export const counter = <M, const N extends string, const L extends Labels = None>(
  d: Definition<M, N, L>,
): MetricFamily<unknown, 'counter', N, L> => ({
  kind: 'counter',
  name: d.name,
  help: d.help,
  labels: labelsOf(d.labels),
  on: plain(d.on),
})

/** Buckets in the unit of the name (`…_seconds`), ascending. */
export const histogram = <M, const N extends string, const L extends Labels = None>(
  d: Definition<M, N, L> & { readonly buckets: readonly number[] },
): MetricFamily<unknown, 'histogram', N, L> => ({
  kind: 'histogram',
  name: d.name,
  help: d.help,
  labels: labelsOf(d.labels),
  buckets: d.buckets,
  on: plain(d.on),
})

export const gauge = <S, const N extends string, const L extends Labels = None>(d: {
  readonly name: N
  readonly help: string
  readonly labels?: L
  readonly collect: (services: S) => Collected | Promise<Collected>
}): MetricFamily<S, 'gauge', N, L> => ({
  kind: 'gauge',
  name: d.name,
  help: d.help,
  labels: labelsOf(d.labels),
  on: {},
  collect: d.collect,
})

/** A gauge that events move: each sample's amount (1 when absent) is added, and may be negative. */
export const upDown = <M, const N extends string, const L extends Labels = None>(
  d: Definition<M, N, L>,
): MetricFamily<unknown, 'gauge', N, L> => ({
  kind: 'gauge',
  name: d.name,
  help: d.help,
  labels: labelsOf(d.labels),
  on: plain(d.on),
})
