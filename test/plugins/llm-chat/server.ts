import process from 'node:process'

import { definePlugin } from 'autodocops'
import * as z from 'zod'

import { defineApp } from '../../../core/define-app.ts'
import type { AnyPlugin } from '../../../core/app-options.ts'
import type { Host } from '../../../core/host.ts'
import { createLog } from '../../../core/log.ts'
import database from '../../../plugins/database/index.ts'
import llmChat from '../../../plugins/llm-chat/index.ts'

/** Believes any `Bearer <subject>`: identity is not what these tests are about. */
const believer = definePlugin({
  name: 'believer',
  version: '1.0.0',
  core: '^1',
  summary: 'Anybody is who they say',
  config: z.strictObject({}),
  fills: {
    authenticator: {
      name: 'bearer',
      credential: 'authorization',
      scheme: { type: 'http', scheme: 'bearer' },
      authenticate: (_services, { headers }) => {
        const subject = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
        return subject === undefined ? undefined : { subject, scopes: [], via: 'test' }
      },
    },
  },
  examples: { config: { valid: [{}], invalid: [] } },
})

export interface Served {
  readonly url: string
  readonly host: Host
  readonly stop: () => Promise<void>
  readonly post: (
    path: string,
    body: unknown,
    options?: { readonly accept?: string; readonly as?: string; readonly signal?: AbortSignal },
  ) => Promise<Response>
  readonly get: (path: string, as?: string, headers?: Record<string, string>) => Promise<Response>
}

/** Limits that no test meets by chance. */
export const wideLimits = {
  concurrent: 100_000,
  requestsPerMinute: 1_000_000,
  tokensPerMinute: 1_000_000_000,
  tokensPerMonth: 1_000_000_000_000,
  streams: 10_000,
} as const

/** The chat behind a real listener on a port of its own, with whatever plugins stand below it. */
export async function serve(
  config: Readonly<Record<string, unknown>>,
  below: readonly AnyPlugin[] = [],
  settings: {
    readonly plugins?: object
    /** Further facts of `server`. */
    readonly server?: object
    readonly log?: ReturnType<typeof createLog>
  } = {},
): Promise<Served> {
  const all = [believer, database, ...below, llmChat] as unknown as readonly AnyPlugin[]
  const plugins = all.filter((plugin, index) => all.lastIndexOf(plugin) === index)
  const host = await (
    defineApp as (list: readonly AnyPlugin[], options: object) => ReturnType<typeof defineApp>
  )(plugins, {
    log: settings.log ?? createLog({ level: 'silent', pretty: false }),
    manifest: {
      log: { level: settings.log === undefined ? 'silent' : 'debug' },
      server: {
        port: 0,
        operations: '127.0.0.1:0',
        ...settings.server,
        limits: { streams: 10_000, inFlight: 10_000, eventLoopLag: '30s', connections: 20_000 },
      },
      plugins: {
        database: false,
        ...settings.plugins,
        'llm-chat': {
          config: { ...config, limits: { ...wideLimits, ...Object(config['limits']) } },
        },
      },
    },
  }).start()
  const url = host.addresses.public
  return {
    url,
    host,
    stop: () => host.close(),
    post: (path, body, { accept = '*/*', as = 'alice', signal } = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json', accept },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      }),
    get: (path, as = 'alice', headers = {}) =>
      fetch(`${url}${path}`, { headers: { authorization: `Bearer ${as}`, ...headers } }),
  }
}

/** More rounds in a soak. */
export const rounds = (count: number): number =>
  Math.ceil(count * Number(process.env['TEST_SCALE'] ?? 1))
