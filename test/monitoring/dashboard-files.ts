/** The dashboards as Grafana reads them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../harness/root.ts'

export interface Target {
  readonly refId: string
  readonly expr: string
}
export interface PanelJson {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>
  readonly targets?: readonly Target[]
  readonly panels?: readonly PanelJson[]
  readonly datasource?: { readonly uid: string }
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
}
export interface VariableJson {
  readonly name: string
  readonly type: string
  readonly query?: string
  readonly multi?: boolean
  readonly allValue?: string
  readonly refresh?: number
}
export interface DashboardJson {
  readonly uid: string
  readonly title: string
  readonly editable: boolean
  readonly id?: unknown
  readonly __inputs?: unknown
  readonly panels: readonly PanelJson[]
  readonly templating: { readonly list: readonly VariableJson[] }
}

const folder = join(root, 'monitoring/grafana/dashboards')

export const dashboards = ['api_latency.json', 'plugins.json'].map(
  (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as DashboardJson,
)

/** Rows and panels, those of folded rows included. */
export const allPanels = ({ panels }: DashboardJson): readonly PanelJson[] =>
  panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])

export const charts = dashboards.flatMap(allPanels).filter(({ type }) => type !== 'row')

/** Every query of every panel. */
export const queries = charts.flatMap(({ title, targets = [] }) =>
  targets.map(({ refId, expr }) => ({ name: `${title} ${refId}`, expr })),
)
