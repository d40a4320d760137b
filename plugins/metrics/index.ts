import { cls, definePlugin, own } from 'autodocops'

import { config } from './config.ts'
import { Metrics } from './contract.ts'
import { dashboard } from './dashboard.ts'
import { metrics } from './metrics.ts'
import { operations } from './operations.ts'
import { PrometheusMeter } from './prometheus-meter.ts'

export default definePlugin({
  name: 'metrics',
  version: '1.0.0',
  core: '^1',
  summary: 'Prometheus metrics of everything that runs, on the operations listener',
  config,
  provides: { metrics: Metrics },
  internal: { meter: own<PrometheusMeter>() },
  services: { meter: cls(PrometheusMeter), metrics: ({ meter }) => meter },
  fills: { meter: ({ meter }) => meter },
  operations,
  metrics,
  dashboard,
  stop: ({ meter }) => meter.close(),
  describe: () => 'Prometheus at /metrics on the operations listener',
  examples: {
    config: {
      valid: [{}, { maxSeries: 500, runtime: false }],
      invalid: [{ maxSeries: 0 }, { runtime: 'yes' }],
    },
  },
})
