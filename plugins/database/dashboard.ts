import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Database',
  panels: [
    {
      title: 'Pool in use',
      description: 'Share of the connections that an instance may open. At 100 % queries wait.',
      unit: 'percentunit',
      queries: [
        {
          part: {
            sum: 'db_pool_connections',
            where: { state: 'active' },
            by: ['pool', 'instance'],
          },
          whole: { sum: 'db_pool_max_connections', by: ['pool', 'instance'] },
        },
      ],
    },
    {
      title: 'Connections',
      description: 'Open connections of all instances, in use and idle.',
      unit: 'short',
      queries: [{ sum: 'db_pool_connections', by: ['pool', 'state'] }],
    },
    {
      title: 'Queries that wait',
      description: 'For a connection. More than now and then is too small a pool, or a slow query.',
      unit: 'short',
      queries: [{ sum: 'db_pool_waiting', by: ['pool', 'instance'] }],
    },
    {
      title: 'Wait for a connection p95',
      description: 'Time until a connection was had.',
      unit: 's',
      queries: [{ quantile: 0.95, of: 'db_pool_acquire_duration_seconds', by: ['pool'] }],
    },
    {
      title: 'Query p95 by table',
      description: 'By the first table that a statement names.',
      unit: 's',
      queries: [{ quantile: 0.95, of: 'db_query_duration_seconds', by: ['table'] }],
    },
    {
      title: 'Queries',
      description: 'Statements by what they do.',
      unit: 'ops',
      queries: [{ rate: 'db_query_duration_seconds', by: ['operation'] }],
    },
    {
      title: 'Query errors',
      description:
        '`connection`: the database is away. `timeout`: it is too slow, or a lock is held.',
      unit: 'ops',
      queries: [{ rate: 'db_query_errors_total', by: ['class'] }],
    },
    {
      title: 'Pending migrations',
      description: 'Migrations that this version brings and that did not run here. 0 is right.',
      unit: 'short',
      show: 'number',
      queries: [{ max: 'db_migrations_pending' }],
    },
  ],
})
