import * as z from 'zod'
import { duration, secret } from 'autodocops'

import { faultOf, isHostPort } from './address.ts'

const hostPort = z.string().refine(isHostPort, { error: 'must be host:port' })
const link = secret().superRefine((value, context) => {
  const message = faultOf(value.reveal())
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

const sentinels = z.strictObject({
  name: z.string().min(1).describe('Name of the master that the Sentinels watch'),
  nodes: z.array(hostPort).min(1).describe('Sentinels, as host:port'),
  password: secret().optional().describe('Password of the Sentinels themselves'),
  tls: z.boolean().optional().describe('TLS to the Sentinels themselves; as `tls` when absent'),
})

const connection = z.strictObject({
  url: link.describe('Where this connection goes instead: a single server'),
})

/** One of `url`, `nodes` and `sentinels` says where Redis is; without any it is localhost:6379. */
export const config = z
  .strictObject({
    url: link
      .optional()
      .meta({ env: 'REDIS_URL' })
      .describe('A single server: redis://, rediss:// (TLS), or host:port'),
    nodes: z
      .array(hostPort)
      .min(1)
      .optional()
      .describe('A Redis Cluster: some of its nodes, as host:port'),
    sentinels: sentinels.optional().describe('A master that Sentinels watch'),
    username: z.string().optional().describe('User of the Cluster or of the watched master'),
    password: secret().optional().describe('Password of the Cluster or of the watched master'),
    tls: z
      .boolean()
      .default(false)
      .describe('TLS to the Cluster, or to the watched master and its Sentinels'),
    connections: z
      .record(z.string().regex(/^[a-z][a-z0-9-]*$/), connection)
      .default({})
      .describe('Named connections (cache, sessions, …) that have a server of their own'),
    keyPrefix: z
      .string()
      .regex(/^[^{}\s]*$/, { error: 'must hold no braces and no space' })
      .default('autodocops:')
      .describe('Put before every key, so that several deployments share one server'),
    connectTimeout: duration().prefault('1s').describe('How long connecting may take'),
    commandTimeout: duration().prefault('250ms').describe('How long a command may take'),
    reconnectMax: duration()
      .prefault('1s')
      .describe('The longest pause between two tries to reconnect'),
  })
  .refine((c) => [c.url, c.nodes, c.sentinels].filter((place) => place !== undefined).length <= 1, {
    path: ['url'],
    error: 'give one of url, nodes and sentinels',
  })
  .refine((c) => c.nodes || c.sentinels || !(c.tls || c.username || c.password), {
    path: ['url'],
    error:
      'holds its own user, password and TLS, as in rediss://user:password@host; the keys of those names are for nodes and sentinels',
  })

export type RedisConfig = z.output<typeof config>
