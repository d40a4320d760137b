import { conformance } from 'autodocops/testing'
import type { DatabaseService } from 'autodocops/plugins/database'

import billing from '../../../plugins/billing/index.ts'

/** Nobody asks it anything: what is tested here is the life of the plugin. */
const database = {
  kind: 'pglite',
  knex: Object.assign(() => undefined, { raw: () => Promise.resolve({ rows: [], rowCount: 0 }) }),
  bind: (model: unknown) => model,
  listen: () => () => undefined,
} as unknown as DatabaseService

conformance(billing, {
  config: { webhookSecret: 'whsec_conformance', plans: { pro: { prices: ['price_1'] } } },
  services: { database },
  metricPrefixes: ['stripe'],
})
