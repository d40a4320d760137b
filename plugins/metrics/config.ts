import * as z from 'zod'

export const config = z.strictObject({
  maxSeries: z
    .int()
    .min(1)
    .default(2_000)
    .describe('Label sets of one metric; further ones are counted under `__overflow__`.'),
  runtime: z
    .boolean()
    .default(true)
    .describe('Adds the metrics of the process and its runtime: `process_*`, `nodejs_*`.'),
})

export type MetricsConfig = z.output<typeof config>
