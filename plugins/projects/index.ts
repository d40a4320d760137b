import { cls, definePlugin, optional, own } from 'autodocops'
import { Cache } from 'autodocops/plugins/cache'
import { Database } from 'autodocops/plugins/database'

import { config } from './config.ts'
import { Projects } from './contract.ts'
import { routes } from './routes.ts'
import { ProjectBook } from './service.ts'
import { PostgresProjectStore } from './store-postgres.ts'
import type { ProjectStore } from './store.ts'

export default definePlugin({
  name: 'projects',
  version: '1.0.0',
  core: '^1',
  summary: 'Projects, public and private, read through the cache',
  config,
  requires: { database: Database, cache: optional(Cache) },
  provides: { projects: Projects },
  internal: { store: own<ProjectStore>(), book: own<ProjectBook>() },
  services: {
    store: cls(PostgresProjectStore),
    book: cls(ProjectBook),
    projects: ({ book }) => book,
  },
  routes,
  describe: ({ cache }) =>
    cache === undefined ? 'the database' : 'the database, through the cache',
  welcome: ({ server }) => [`curl -sS ${server.publicUrl}/api/projects/1`],
  migrations: new URL('./migrations/', import.meta.url),
  examples: {
    config: {
      valid: [{}, { cacheTtl: '5m' }],
      invalid: [{ cacheTtl: 1_200 }, { ttl: '20m' }],
    },
  },
})
