import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Metrics',
  panels: [
    {
      title: 'Samples under __overflow__',
      description:
        'Metrics with more label sets than `maxSeries`: their numbers are right, their labels lost.',
      unit: 'eps',
      queries: [{ rate: 'metrics_series_dropped_total', by: ['metric'], top: true }],
    },
    {
      title: 'Time to render /metrics',
      description: 'It is taken from the requests: above 50 ms there are too many series.',
      unit: 's',
      queries: [{ max: 'metrics_render_duration_seconds', by: ['instance'] }],
    },
  ],
})
