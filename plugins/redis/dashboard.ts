import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Redis',
  panels: [
    {
      title: 'Redis connections up',
      description: '0 while an instance has lost that connection.',
      unit: 'short',
      queries: [{ min: 'redis_up', by: ['client', 'instance'] }],
    },
    {
      title: 'Redis command p95',
      description: 'By connection and command. The deadline is 250 ms.',
      unit: 's',
      queries: [
        { quantile: 0.95, of: 'redis_command_duration_seconds', by: ['client', 'command'] },
      ],
    },
    {
      title: 'Redis commands',
      description: 'Commands by connection.',
      unit: 'ops',
      queries: [{ rate: 'redis_command_duration_seconds', by: ['client'] }],
    },
    {
      title: 'Redis reconnects',
      description: 'Connections that came back. Steady ones are a network that flaps.',
      unit: 'eps',
      queries: [{ rate: 'redis_reconnects_total', by: ['client'] }],
    },
  ],
})
