import * as z from 'zod'

import { wait } from '../duration.ts'
import { limitsSchema, type Limits } from '../http/limits.ts'
import { secret, type Secret } from '../secret.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** The `server:` block of a manifest. */
export interface ServerConfig extends Address {
  readonly operations: Address
  readonly operationsToken: Secret | undefined
  /** Without a trailing slash; `undefined` is the address that the listener has. */
  readonly publicUrl: string | undefined
  readonly origins: readonly string[]
  /** As written; relative to the working directory. */
  readonly dataDir: string
  readonly drainMs: number
  readonly shutdownDelayMs: number
  readonly retireMs: number
  readonly trustedProxies: number
  readonly limits: Limits
}

const port = () => z.int().min(0).max(65_535)

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):\d{1,5}$/, {
    error: 'must be host:port, such as 127.0.0.1:9464',
    abort: true,
  })
  .transform((text): Address => {
    const colon = text.lastIndexOf(':')
    return {
      host: text.slice(0, colon).replace(/^\[|\]$/g, ''),
      port: Number(text.slice(colon + 1)),
    }
  })
  .refine((parsed) => parsed.port <= 65_535, {
    error: 'must have a port up to 65535',
    abort: true,
  })

const origin = z.string().refine(isOrigin, {
  error: 'must be an origin without a path, such as https://app.example.com',
})

export const serverSchema = z
  .strictObject({
    host: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .describe('Address of the public listener; 0.0.0.0 is every interface.')
      .meta({ env: 'HOST' }),
    port: port().default(8080).describe('Port of the public listener.').meta({ env: 'PORT' }),
    operations: address
      .prefault('127.0.0.1:9464')
      .describe('Address of the operations listener: metrics, readiness, administration.')
      .meta({ env: 'OPERATIONS_ADDRESS' }),
    operationsToken: secret({ minBytes: 32 })
      .optional()
      .describe(
        'Credential of the operations listener, at least 32 random bytes; required when others can reach it.',
      )
      .meta({ env: 'OPERATIONS_TOKEN' }),
    publicUrl: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .transform((url) => url.replace(/\/+$/, ''))
      .optional()
      .describe('The URL by which clients reach this server.')
      .meta({ env: 'PUBLIC_URL' }),
    origins: z
      .array(origin)
      .default([])
      .describe('Origins of other sites whose browsers may call this server.'),
    dataDir: z
      .string()
      .min(1)
      .default('./data')
      .describe('Folder of the embedded database and of generated secrets.')
      .meta({ env: 'DATA_DIR' }),
    drain: wait().prefault('20s').describe('How long requests may go on when the process ends.'),
    shutdownDelay: wait()
      .prefault('0s')
      .describe(
        'How long an ending process still takes requests, unready, before drain: until a balancer has seen it.',
      ),
    retire: wait()
      .prefault('10m')
      .describe('How long requests of a replaced plugin may go on after a reload.'),
    trustedProxies: z
      .int()
      .min(0)
      .default(0)
      .describe('How many proxies in front are trusted to write X-Forwarded-For.'),
    limits: limitsSchema.prefault({}).describe('What the listeners let through.'),
  })
  .refine((server) => server.operationsToken !== undefined || isLoopback(server.operations.host), {
    path: ['operationsToken'],
    error: 'is required, since the operations listener can be reached from other machines',
    params: { code: 'E_SECRET_MISSING' },
  })
  .transform(
    ({ drain, shutdownDelay, retire, publicUrl, operationsToken, ...rest }): ServerConfig => ({
      ...rest,
      publicUrl,
      operationsToken,
      drainMs: drain,
      shutdownDelayMs: shutdownDelay,
      retireMs: retire,
    }),
  )

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

/** Only this machine reaches it. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
