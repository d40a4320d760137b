import type { DashboardRow, Level, Query } from './dashboard.ts'
import type { MetricFamily, MetricKind } from './metric.ts'

export type ChartedFamily = Pick<MetricFamily, 'kind' | 'name' | 'labels'>

/** One metric that a query reads, and what it must be. */
interface Needed {
  readonly name: string
  readonly kinds: readonly MetricKind[]
  readonly labels: readonly string[]
}

/** What the compiler says of a row in TypeScript, for one that is written in JavaScript. */
export const dashboardFaults = (
  { panels }: DashboardRow,
  families: readonly ChartedFamily[],
): readonly string[] =>
  panels.flatMap(({ title, queries }) =>
    queries
      .flatMap(neededBy)
      .flatMap((needed) => faultsOf(needed, families).map((fault) => `'${title}': ${fault}`)),
  )

function neededBy(query: Query): readonly Needed[] {
  if ('part' in query) return [...neededBy(query.part), ...neededBy(query.whole)]
  const { where = {}, by = [] } = query
  const labels = [...Object.keys(where), ...by].filter((label) => label !== 'instance')
  if ('rate' in query) return [{ name: query.rate, kinds: ['counter', 'histogram'], labels }]
  if ('quantile' in query) return [{ name: query.of, kinds: ['histogram'], labels }]
  if ('buckets' in query) return [{ name: query.buckets, kinds: ['histogram'], labels }]
  if ('share' in query) {
    labels.push(...Object.keys(query.share))
    return [{ name: query.of, kinds: ['counter'], labels }]
  }
  return [{ name: levelOf(query).name, kinds: ['gauge'], labels }]
}

/** Which gauge, and how its instances are put together. */
export function levelOf(query: Level): { readonly name: string; readonly over: string } {
  if ('sum' in query) return { name: query.sum, over: 'sum' }
  if ('max' in query) return { name: query.max, over: 'max' }
  return { name: query.min, over: 'min' }
}

function faultsOf({ name, kinds, labels }: Needed, families: readonly ChartedFamily[]): string[] {
  const family = families.find((one) => one.name === name)
  if (family === undefined) return [`there is no metric ${name}`]
  const isKind = kinds.includes(family.kind)
  return [
    ...(isKind ? [] : [`${name} is a ${family.kind}, not ${kinds.join(' or ')}`]),
    ...labels
      .filter((label) => !(label in family.labels))
      .map((label) => `${name} has no label ${label}`),
  ]
}
