import * as common from '@grafana/grafana-foundation-sdk/common'
import { ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard'
import * as gauge from '@grafana/grafana-foundation-sdk/gauge'
import * as heatmap from '@grafana/grafana-foundation-sdk/heatmap'
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus'
import * as stat from '@grafana/grafana-foundation-sdk/stat'
import * as stateTimeline from '@grafana/grafana-foundation-sdk/statetimeline'
import * as table from '@grafana/grafana-foundation-sdk/table'
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries'

import type { ChartedFamily } from '../../core/dashboard-faults.ts'
import type { Panel, Query } from '../../core/dashboard.ts'
import { promql } from './promql.ts'

/** What Prometheus itself knows of a server, and what no data says, is written out. */
export interface Written {
  readonly expr: string
  readonly legend: string
}
export type Shown = Query | Written
export type ShownPanel = Panel<Shown>

/** The variable of the dashboard, not a data source of somebody's Grafana. */
export const datasource = { type: 'prometheus', uid: '${datasource}' }

const sizes = {
  lines: { w: 8, h: 8 },
  heat: { w: 8, h: 8 },
  states: { w: 16, h: 8 },
  table: { w: 8, h: 8 },
  gauge: { w: 6, h: 5 },
  number: { w: 6, h: 5 },
} as const

export const sizeOf = ({ show = 'lines' }: ShownPanel) => sizes[show]

type Families = ReadonlyMap<string, ChartedFamily>

export function panelBuilder(panel: ShownPanel, families: Families) {
  const builder = visualization(panel)
    .title(panel.title)
    .description(panel.description)
    .unit(panel.unit)
    .noValue('no data')
    .datasource(datasource)
  for (const [at, query] of panel.queries.entries()) {
    builder.withTarget(target(panel, query, families).refId(String.fromCharCode(65 + at)))
  }
  return builder
}

function target({ show = 'lines' }: ShownPanel, query: Shown, families: Families) {
  const data = new DataqueryBuilder()
    .datasource(datasource)
    .expr('expr' in query ? query.expr : promql(query, families))
    .legendFormat(legendOf(query))
  if (show === 'heat') return data.range().format(PromQueryFormat.Heatmap)
  if (show === 'table') return data.instant().format(PromQueryFormat.Table)
  return data.range()
}

function visualization({ show = 'lines', unit }: ShownPanel) {
  switch (show) {
    case 'lines':
      return lines(unit)
    case 'number':
      return new stat.PanelBuilder().reduceOptions(last())
    case 'gauge':
      return new gauge.PanelBuilder().reduceOptions(last()).min(0).max(1).thresholds(goal())
    case 'states':
      return new stateTimeline.PanelBuilder().thresholds(upOrDown())
    case 'table':
      return new table.PanelBuilder()
    case 'heat':
      return new heatmap.PanelBuilder()
  }
}

function lines(unit: string) {
  const builder = new timeseries.PanelBuilder()
    .fillOpacity(8)
    .legend(legend())
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    )
  return unit === 'percentunit' ? builder.min(0).max(1) : builder.min(0)
}

const last = () => new common.ReduceDataOptionsBuilder().calcs(['lastNotNull'])
const legend = () =>
  new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true)
    .calcs([])

const steps = (...bounds: readonly (readonly [value: number | null, color: string])[]) =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps(bounds.map(([value, color]) => ({ value, color })))
/** The goal of the error budget in the alert rules is 99.9 %. */
const goal = () => steps([null, 'red'], [0.99, 'orange'], [0.999, 'green'])
const upOrDown = () => steps([null, 'red'], [1, 'green'])

/** A name of its own, else the values of the labels that tell the lines apart. */
function legendOf(query: Shown): string {
  if (query.legend !== undefined) return query.legend
  if ('part' in query) return legendOf(query.part as Query)
  const by = 'by' in query ? (query.by ?? []) : []
  const fixed = 'quantile' in query ? [`p${query.quantile * 100}`] : []
  return [...fixed, ...by.map((label) => `{{${label}}}`)].join(' ') || '__auto'
}
