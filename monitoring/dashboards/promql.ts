import { levelOf } from '../../core/dashboard-faults.ts'
import type { ChartedFamily } from '../../core/dashboard-faults.ts'
import type { Query, Rate, Where } from '../../core/dashboard.ts'

/** The PromQL of a query that is data. Every selector obeys the variables of the dashboard. */

type Families = ReadonlyMap<string, ChartedFamily>
type Wanted = NonNullable<Where[string]>

const scope = 'job=~"$job",instance=~"$instance"'
const interval = '[$__rate_interval]'

/** For an expression that is written out: what the dashboard's variables leave of a metric. */
export const scoped = (name: string, matchers = ''): string =>
  `${name}{${scope}${matchers === '' ? '' : `,${matchers}`}}`

export function promql(query: Query, families: Families): string {
  if ('part' in query) return `${promql(query.part, families)} / ${promql(query.whole, families)}`
  const { where, by = [] } = query
  if ('rate' in query) return rate(query, families)
  if ('share' in query) {
    const like = events(query.of, { ...where, ...query.share }, by)
    return `${like} / ${events(query.of, where, by)}`
  }
  if ('quantile' in query) {
    const buckets = events(`${query.of}_bucket`, where, ['le', ...by])
    return `histogram_quantile(${query.quantile}, ${buckets})`
  }
  if ('buckets' in query) {
    const buckets = selector(`${query.buckets}_bucket`, where)
    return over('sum', ['le', ...by], `increase(${buckets}${interval})`)
  }
  const level = levelOf(query)
  return over(level.over, by, selector(level.name, where))
}

function rate(query: Rate, families: Families): string {
  const { rate: name, where, by = [], per = 'second', top = false, orZero = false } = query
  const isHistogram = families.get(name)?.kind === 'histogram'
  const line = events(isHistogram ? `${name}_count` : name, where, by)
  const scaled = per === 'hour' ? `${line} * 3600` : line
  const some = top ? `topk(5, ${scaled})` : scaled
  return orZero ? `${some} or vector(0)` : some
}

const events = (name: string, where: Where | undefined, by: readonly string[]) =>
  over('sum', by, `rate(${selector(name, where)}${interval})`)

const over = (operator: string, by: readonly string[], inner: string) =>
  by.length === 0 ? `${operator}(${inner})` : `${operator} by (${by.join(', ')}) (${inner})`

const selector = (name: string, where: Where = {}) =>
  scoped(
    name,
    Object.entries(where)
      .flatMap(([label, wanted]) => (wanted === undefined ? [] : `${label}${matcher(wanted)}`))
      .join(','),
  )

function matcher(wanted: Wanted): string {
  if (typeof wanted === 'string') return `="${wanted}"`
  if ('like' in wanted) return `=~"${wanted.like}"`
  return `=~"${wanted.join('|')}"`
}
