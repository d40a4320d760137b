/** What PromQL reads, by the grammar of Prometheus itself. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'

import { coreFamilies } from '../../core/core-metrics.ts'
import type { MetricFamily } from '../../core/metric.ts'
import type { Plugin } from '../../core/plugin.ts'
import { root } from '../harness/root.ts'

interface Parsed {
  /** Names of metrics as they are written: `…_bucket`. */
  readonly metrics: readonly string[]
  readonly isBroken: boolean
}

/** Grafana's own variables are no PromQL. */
const filled = (expr: string) => expr.replaceAll('$__rate_interval', '5m')

export function parsed(expr: string): Parsed {
  const text = filled(expr)
  const metrics: string[] = []
  let isBroken = false
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) isBroken = true
      if (type.name === 'VectorSelector') {
        const [name = ''] = /^[a-zA-Z_:][\w:]*/.exec(text.slice(from, to)) ?? []
        metrics.push(name)
      }
    },
  })
  return { metrics, isBroken }
}

export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: { readonly severity?: string }
  readonly annotations?: { readonly summary?: string; readonly runbook_url?: string }
}

const rulesIn = (file: string) =>
  (
    parse(readFileSync(join(root, 'monitoring/prometheus', file), 'utf8')) as {
      groups: readonly { rules: readonly Rule[] }[]
    }
  ).groups.flatMap(({ rules }) => rules)

export const recorded = rulesIn('recording.rules.yml')
export const alerts = rulesIn('alerts.rules.yml')

const { plugins: facts } = JSON.parse(readFileSync(join(root, 'plugins/index.json'), 'utf8')) as {
  plugins: readonly { readonly name: string }[]
}
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const loaded = await Promise.all(
  facts.map(
    async ({ name }) =>
      (await import(`../../plugins/${name}/index.${extension}`)) as { default: Plugin },
  ),
)

/** Everything that the built-in plugins and the core declare. */
export const families: readonly MetricFamily<never>[] = [
  ...coreFamilies,
  ...loaded.flatMap(({ default: plugin }) => plugin.metrics),
]

/** The family of a name as it is written in a query. */
export const familyOf = (name: string): string =>
  families.some((one) => one.name === name) ? name : name.replace(/_(bucket|count|sum)$/, '')
