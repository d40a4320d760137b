import * as z from 'zod'
import { byteSize, duration } from 'autodocops'

/** A share of the time. */
const share = () => z.number().min(0).max(1)

const namespace = z.strictObject({
  ttl: duration().optional().describe('How long a value is fresh'),
  stale: duration()
    .optional()
    .describe('How long past that it may be served while its source fails'),
  soft: duration()
    .optional()
    .describe('After this long a stale value is served and its source goes on'),
  hard: duration().optional().describe('After this long the source is given up'),
  eager: share().optional().describe('Refresh ahead past this share of the time'),
  jitter: share().optional().describe('Up to this share of the time is taken off by chance'),
  backoff: duration()
    .optional()
    .describe('After a failure with a stale value: no new try for so long'),
})

export const config = z.strictObject({
  memory: byteSize().prefault('64MiB').describe('Memory for values in this process'),
  maxValue: byteSize().prefault('1MiB').describe('A larger value is handed on and not kept'),
  ttl: duration()
    .prefault('60s')
    .describe('How long a value is fresh, where its user does not say'),
  stale: duration()
    .prefault('0ms')
    .describe('How long past that it may be served while its source fails'),
  staleReplies: duration().prefault('1h').describe('The same for whole HTTP replies'),
  soft: duration().prefault('0ms').describe('After this long a stale value is served; 0ms: wait'),
  hard: duration().prefault('10s').describe('After this long the source of a value is given up'),
  eager: share().default(0).describe('Refresh ahead past this share of the time; 0: never'),
  jitter: share().default(0.1).describe('Up to this share of the time is taken off by chance'),
  backoff: duration()
    .prefault('1s')
    .describe('After a failure with a stale value: no new try for so long'),
  leaseWait: duration()
    .prefault('5s')
    .describe('How long to wait for another instance that makes the value'),
  trust: duration()
    .prefault('5s')
    .describe(
      'How old a value in memory may be while invalidations of other instances are not heard',
    ),
  probeMax: duration()
    .prefault('2s')
    .describe('The longest pause between two looks whether a Redis that did not answer is back'),
  namespaces: z
    .record(z.string().regex(/^[a-z0-9-]+$/i), namespace)
    .default({})
    .describe('Other times for the values of one namespace'),
})

export type CacheConfig = z.output<typeof config>
