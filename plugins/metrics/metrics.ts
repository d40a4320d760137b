import { counter, gauge, open } from 'autodocops'

import { MetricsEvents } from './contract.ts'
import type { PrometheusMeter } from './prometheus-meter.ts'

interface Rendering {
  readonly meter: PrometheusMeter
}

export const metrics = [
  {
    known: ({ meter }: Rendering) => meter.declared.map((metric) => ({ metric })),
    ...counter({
      name: 'metrics_series_dropped_total',
      help: 'Samples counted under __overflow__, since their metric has too many label sets.',
      labels: { metric: open },
      from: MetricsEvents,
      on: { 'metrics:series-dropped': ({ metric }) => ({ metric }) },
    }),
  },
  gauge({
    name: 'metrics_render_duration_seconds',
    help: 'How long the last rendering took.',
    collect: ({ meter }: Rendering) => meter.renderSeconds,
  }),
]
