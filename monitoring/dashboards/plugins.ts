import { coreFamilies } from '../../core/core-metrics.ts'
import { dashboardRow } from '../../core/dashboard.ts'
import type { DashboardRow } from '../../core/dashboard.ts'
import type { Board, BoardRow } from './board.ts'
import type { ShownPanel } from './panel.ts'
import { scoped } from './promql.ts'
import { runtimeFamilies } from './runtime-families.ts'

/** What runs, then a row for each plugin that brings one, then the process. */

const core = dashboardRow(coreFamilies, {
  title: 'Plugins',
  panels: [
    {
      title: 'Plugins up',
      description: 'Red while a plugin could not be started on some instance; it is tried again.',
      unit: 'short',
      show: 'states',
      queries: [{ min: 'plugin_up', by: ['plugin'] }],
    },
    {
      title: 'Plugin versions',
      description:
        'Instances by plugin and version. Two versions of one are a roll-out in progress.',
      unit: 'short',
      show: 'table',
      queries: [{ sum: 'plugin_info', by: ['plugin', 'version'] }],
    },
    {
      title: 'Errors of plugins',
      description: '`request`: a reply of 500. `job`: work in the background. The log says which.',
      unit: 'eps',
      queries: [{ rate: 'plugin_errors_total', by: ['plugin', 'hook'] }],
    },
    {
      title: 'Time to start',
      description: 'How long the last start of each plugin took.',
      unit: 's',
      queries: [{ max: 'plugin_start_duration_seconds', by: ['plugin'] }],
    },
    {
      title: 'Reloads of the manifest',
      description: '`rejected`: the manifest was wrong, and the server runs on the one before.',
      unit: 'eps',
      queries: [{ rate: 'config_reloads_total', by: ['outcome'] }],
    },
  ],
})

const runtime = dashboardRow(runtimeFamilies, {
  title: 'Process',
  panels: [
    {
      title: 'CPU',
      description: 'Cores in use. One process uses hardly more than one.',
      unit: 'short',
      queries: [{ rate: 'process_cpu_seconds_total', by: ['instance'] }],
    },
    {
      title: 'Memory',
      description: 'Resident memory of each instance.',
      unit: 'bytes',
      queries: [{ max: 'process_resident_memory_bytes', by: ['instance'] }],
    },
    {
      title: 'Heap in use',
      description: 'Of the heap that the runtime has. A saw is healthy, a slope is a leak.',
      unit: 'percentunit',
      queries: [
        {
          part: { sum: 'nodejs_heap_size_used_bytes', by: ['instance'] },
          whole: { sum: 'nodejs_heap_size_total_bytes', by: ['instance'] },
        },
      ],
    },
    {
      title: 'Event loop lag p99',
      description: 'Every request waits this long. Above 0.1 s something blocks.',
      unit: 's',
      queries: [{ max: 'nodejs_eventloop_lag_p99_seconds', by: ['instance'] }],
    },
    {
      title: 'Garbage collections',
      description: 'Collections per second, by kind.',
      unit: 'ops',
      queries: [{ rate: 'nodejs_gc_duration_seconds', by: ['kind'] }],
    },
    {
      title: 'File descriptors in use',
      description: 'Share of those that the process may open. Connections are descriptors too.',
      unit: 'percentunit',
      queries: [
        {
          part: { max: 'process_open_fds', by: ['instance'] },
          whole: { max: 'process_max_fds', by: ['instance'] },
        },
      ],
    },
  ],
})

const scrapes: readonly ShownPanel[] = [
  {
    title: 'Restarts in the last hour',
    description: 'More than you made are crashes: look at the log of the instance.',
    unit: 'short',
    show: 'number',
    queries: [
      {
        expr: `sum by (instance) (changes(${scoped('process_start_time_seconds')}[1h]))`,
        legend: '{{instance}}',
      },
    ],
  },
  {
    title: 'Series of an instance',
    description: 'What Prometheus stores of each. Above 5,000 a scrape begins to cost.',
    unit: 'short',
    queries: [
      {
        expr: `max by (instance) (${scoped('scrape_samples_scraped')})`,
        legend: '{{instance}}',
      },
    ],
  },
  {
    title: 'Duration of a scrape',
    description: 'As Prometheus sees it, network included.',
    unit: 's',
    queries: [
      {
        expr: `max by (instance) (${scoped('scrape_duration_seconds')})`,
        legend: '{{instance}}',
      },
    ],
  },
]

const folded = (row: BoardRow): BoardRow => ({ ...row, isFolded: true })

/** `rows`: of the plugins, in the order in which they are shown. */
export const pluginsBoard = (rows: readonly DashboardRow[]): Board => ({
  uid: 'autodocops-plugins',
  title: 'Plugins and dependencies',
  description: 'A row for each plugin; those that are off have no data.',
  rows: [
    core,
    ...rows.map(folded),
    folded({ ...runtime, panels: [...runtime.panels, ...scrapes] }),
  ],
})

/** A plugin from outside, for itself: its row in a dashboard of its own. */
export const ownBoard = (plugin: string, row: DashboardRow): Board => ({
  uid: `autodocops-${plugin}`.slice(0, 40),
  title: row.title,
  description: `The plugin ${plugin}.`,
  rows: [row],
})
