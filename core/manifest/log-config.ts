import * as z from 'zod'

import type { LogLevel } from '../log.ts'

// Written out, since the log's own module loads pino.
const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[]

/** The `log:` block of a manifest. */
export const logSchema = z.strictObject({
  level: z
    .enum(levels)
    .default('info')
    .describe('What is written to the log: this and what is worse.')
    .meta({ env: 'LOG_LEVEL' }),
})

export type LogConfig = Readonly<z.output<typeof logSchema>>
