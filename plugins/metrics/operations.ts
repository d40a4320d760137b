import * as z from 'zod'
import { reply, type OperationOf } from 'autodocops'

import type { MetricsService } from './contract.ts'

const textFormat = 'text/plain; version=0.0.4; charset=utf-8'

export const operations = ({
  route,
}: {
  readonly route: OperationOf<{ readonly metrics: MetricsService }>
}) => [
  route({
    method: 'GET',
    path: '/metrics',
    summary: 'Everything that is counted, in the Prometheus text format',
    tags: ['operations'],
    timeoutMs: 5_000,
    exempt: true,
    responses: { 200: { schema: z.string(), contentType: textFormat } },
    handler: async ({ metrics }) =>
      reply(200, await metrics.render(), { 'content-type': textFormat }),
  }),
]
