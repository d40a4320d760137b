import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'

import type { ChartedFamily } from '../../core/dashboard-faults.ts'
import type { DashboardRow } from '../../core/dashboard.ts'
import { datasource, panelBuilder, sizeOf } from './panel.ts'
import type { Shown, ShownPanel } from './panel.ts'

export interface BoardRow extends DashboardRow<Shown> {
  /** Folded away, and its queries not run, until somebody opens it. */
  readonly isFolded?: boolean
}

export interface Board {
  readonly uid: string
  readonly title: string
  readonly description: string
  readonly rows: readonly BoardRow[]
}

const width = 24

/** The JSON that Grafana provisions. */
export function render(board: Board, families: readonly ChartedFamily[]): string {
  const known = new Map(families.map((family) => [family.name, family]))
  const dashboard = frame(board)
  let [id, y] = [0, 0]
  for (const { title, panels, isFolded = false } of board.rows) {
    const row = new RowBuilder(title).id(++id).gridPos({ x: 0, y: y++, w: width, h: 1 })
    const { places, height } = placesOf(panels, y)
    const built = panels.map((panel, at) =>
      panelBuilder(panel, known)
        .id(++id)
        .gridPos(places[at] ?? { x: 0, y, w: width, h: 8 }),
    )
    if (isFolded) for (const panel of built) row.withPanel(panel)
    dashboard.withRow(row)
    if (isFolded) continue
    for (const panel of built) dashboard.withPanel(panel)
    y += height
  }
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`
}

/** From left to right, a new line where one is full. */
function placesOf(panels: readonly ShownPanel[], top: number) {
  let [x, y, line] = [0, top, 0]
  const places = panels.map((panel) => {
    const { w, h } = sizeOf(panel)
    if (x + w > width) [x, y, line] = [0, y + line, 0]
    const place = { x, y, w, h }
    x += w
    line = Math.max(line, h)
    return place
  })
  return { places, height: y + line - top }
}

const frame = ({ uid, title, description }: Board) =>
  new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['autodocops'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    )
    .withVariable(choice('job', 'label_values(app_build_info, job)'))
    .withVariable(choice('instance', 'label_values(app_build_info{job=~"$job"}, instance)'))

const choice = (name: string, query: string) =>
  new QueryVariableBuilder(name)
    .label(name)
    .datasource(datasource)
    .query(query)
    .definition(query)
    .multi(true)
    .includeAll(true)
    .allValue('.+')
    .current({ text: 'All', value: '$__all', selected: true })
    .refresh(VariableRefresh.OnTimeRangeChanged)
