import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Sessions',
  panels: [
    {
      title: 'Active sessions',
      description: 'Living sessions that somebody is logged in with.',
      unit: 'short',
      queries: [{ max: 'sessions_active', by: ['store'] }],
    },
    {
      title: 'Session operations by outcome',
      description: '`error` means that the store does not answer: nobody can log in.',
      unit: 'ops',
      queries: [{ rate: 'session_operations_total', by: ['operation', 'outcome'] }],
    },
    {
      title: 'Session operation p95',
      description: 'How long the store takes; every request with a cookie waits for it.',
      unit: 's',
      queries: [{ quantile: 0.95, of: 'session_operation_duration_seconds', by: ['operation'] }],
    },
    {
      title: 'Sessions opened and ended',
      description: 'Opened, and ended by reason. `revoked` is somebody who logged out elsewhere.',
      unit: 'eps',
      queries: [
        { rate: 'sessions_created_total', legend: 'opened' },
        { rate: 'sessions_destroyed_total', by: ['reason'] },
      ],
    },
  ],
})
