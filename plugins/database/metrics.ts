import { counter, gauge, histogram, open } from 'autodocops'

import { DatabaseEvents } from './contract.ts'
import type { MigrationRunner } from './migrator.ts'
import type { DatabaseConnections } from './service.ts'

const pool = ['main'] as const
const operation = ['select', 'insert', 'update', 'delete', 'other'] as const

interface Metered {
  readonly connections: DatabaseConnections
  readonly migrations: MigrationRunner
}

export const metrics = [
  gauge({
    name: 'db_pool_connections',
    help: 'Open connections, in use or idle',
    labels: { pool, state: ['idle', 'active'] },
    collect: ({ connections }: Metered) => {
      const { used, free } = connections.pool()
      return [
        [{ pool: 'main', state: 'active' }, used],
        [{ pool: 'main', state: 'idle' }, free],
      ]
    },
  }),
  gauge({
    name: 'db_pool_waiting',
    help: 'Queries that wait for a connection',
    labels: { pool },
    collect: ({ connections }: Metered) => [[{ pool: 'main' }, connections.pool().waiting]],
  }),
  gauge({
    name: 'db_pool_max_connections',
    help: 'Most connections that this process opens',
    labels: { pool },
    collect: ({ connections }: Metered) => [[{ pool: 'main' }, connections.pool().max]],
  }),
  histogram({
    name: 'db_pool_acquire_duration_seconds',
    help: 'Time until a connection was had',
    labels: { pool },
    buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    from: DatabaseEvents,
    on: { 'database:connection-acquired': ({ waitMs }) => [{ pool: 'main' }, waitMs / 1_000] },
  }),
  histogram({
    name: 'db_query_duration_seconds',
    help: 'Time of a statement, by the first table that it names',
    labels: { operation, table: open },
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    from: DatabaseEvents,
    on: {
      'database:query-finished': ({ operation: kind, table, durationMs }) => [
        { operation: kind, table },
        durationMs / 1_000,
      ],
    },
  }),
  counter({
    name: 'db_query_errors_total',
    help: 'Statements that failed',
    labels: { operation, class: ['connection', 'constraint', 'timeout', 'other'] },
    from: DatabaseEvents,
    on: {
      'database:query-finished': ({ operation: kind, error }) =>
        error === undefined ? undefined : { operation: kind, class: error },
    },
  }),
  gauge({
    name: 'db_migrations_pending',
    help: 'Migrations that this version has and that did not run here',
    collect: ({ migrations }: Metered) => migrations.pending,
  }),
]
