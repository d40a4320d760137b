import { coreFamilies } from '../../core/core-metrics.ts'
import { dashboardFaults } from '../../core/dashboard-faults.ts'
import type { DashboardRow } from '../../core/dashboard.ts'
import type { MetricFamily } from '../../core/metric.ts'
import { apiLatency } from './api-latency.ts'
import { render } from './board.ts'
import { ownBoard, pluginsBoard } from './plugins.ts'
import { runtimeFamilies } from './runtime-families.ts'

/** What a dashboard needs to know of a plugin. */
interface Shown {
  readonly name: string
  readonly metrics: readonly MetricFamily<never>[]
  readonly dashboard?: DashboardRow
}

const folder = 'monitoring/grafana/dashboards'

/** The files that Grafana provisions, by their paths. */
export function dashboardFiles(plugins: readonly Shown[]): Readonly<Record<string, string>> {
  const rows = plugins.flatMap(rowOf)
  const families = [
    ...coreFamilies,
    ...runtimeFamilies,
    ...plugins.flatMap(({ metrics }) => metrics),
  ]
  return {
    [`${folder}/api_latency.json`]: render(apiLatency, families),
    [`${folder}/plugins.json`]: render(pluginsBoard(rows), families),
  }
}

/** The same for one plugin that is not of this repository. */
export function ownDashboardFile(plugin: Shown): Readonly<Record<string, string>> {
  const [row] = rowOf(plugin)
  if (row === undefined) return {}
  return { [`${folder}/${plugin.name}.json`]: render(ownBoard(plugin.name, row), plugin.metrics) }
}

function rowOf({ name, metrics, dashboard }: Shown): readonly DashboardRow[] {
  if (dashboard === undefined) return []
  const [fault] = dashboardFaults(dashboard, metrics)
  if (fault !== undefined) throw new Error(`the dashboard of ${name}: ${fault}`)
  return [dashboard]
}
