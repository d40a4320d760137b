import { duration } from 'autodocops'
import * as z from 'zod'

export const config = z.strictObject({
  cacheTtl: duration()
    .prefault('20m')
    .describe(
      'How long a project that was read is served from the cache. A write ends it at once.',
    ),
})

export type ProjectsConfig = z.output<typeof config>
