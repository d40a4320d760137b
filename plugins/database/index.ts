import { cls, definePlugin, own } from 'autodocops'

import { migrate } from './command-migrate.ts'
import { backup, restore } from './commands.ts'
import { config } from './config.ts'
import { Database } from './contract.ts'
import { dashboard } from './dashboard.ts'
import { examine } from './doctor.ts'
import { metrics } from './metrics.ts'
import { MigrationRunner } from './migrator.ts'
import { DatabaseConnections } from './service.ts'

export default definePlugin({
  name: 'database',
  version: '1.0.0',
  core: '^1',
  summary:
    'Postgres, or an embedded PGlite on a machine that has none; migrations, backup, restore',
  config,
  provides: { database: Database },
  internal: { connections: own<DatabaseConnections>(), migrations: own<MigrationRunner>() },
  services: {
    connections: cls(DatabaseConnections),
    migrations: cls(MigrationRunner),
    database: ({ connections }) => connections,
  },
  fills: { migrator: ({ migrations }) => migrations },
  metrics,
  dashboard,
  health: { required: true, checks: { answers: ({ connections }) => connections.check() } },
  // A busy small machine may take minutes to create the embedded database.
  startTimeoutMs: 180_000,
  start: ({ connections }) => connections.start(),
  stop: ({ connections }) => connections.stop(),
  describe: ({ connections }) => connections.describe(),
  doctor: examine,
  commands: { migrate, backup, restore },
  examples: {
    config: {
      valid: [
        {},
        { url: 'postgres://postgres:postgres@localhost:5432/autodocops' },
        { host: 'localhost', name: 'autodocops', username: 'postgres', password: 'postgres' },
        { host: 'db.internal', ssl: 'verify-full', pool: { max: 20 }, migrate: 'never' },
        { deadlines: { connect: '1s', statement: '30s', poolWait: '500ms' } },
      ],
      invalid: [
        { url: 'localhost:5432' },
        { port: 70_000 },
        { host: '' },
        { ssl: 'maybe' },
        { pool: { max: 0 } },
        { deadlines: { statement: 5_000 } },
        { migrate: 'always' },
        { hots: 'localhost' },
      ],
    },
  },
})
