import * as z from 'zod'

import { isProblem } from './errors.ts'
import type { PluginReport } from './app-view.ts'
import type { MountedPlugin } from './http/http-app.ts'
import { messageOf } from './instance.ts'
import type { Logger } from './log.ts'
import { FaultsError } from './manifest/faults.ts'
import type { Preview } from './preview.ts'
import type { Readiness } from './readiness.ts'
import { reply, routeOf, type Route } from './route.ts'
import { StartFailed } from './transition.ts'

/** What the routes need of the host. */
export interface Operated {
  readonly hash: string
  readonly readiness: () => Promise<Readiness>
  readonly plugins: () => readonly PluginReport[]
  readonly preview: () => Promise<Preview>
  readonly reload: (ifMatch?: string) => Promise<{ readonly hash: string }>
}

interface Served {
  readonly host: Operated
}

const route = routeOf<Served>()
const probe = {
  method: 'GET',
  auth: 'public',
  limit: 'none',
  timeoutMs: 5_000,
  exempt: true,
} as const
const operation = { timeoutMs: 10_000, exempt: true } as const

const alive = z.object({ status: z.literal('ok') }).meta({ id: 'Liveness' })
const ready = z.object({ status: z.string() }).loose().meta({ id: 'Readiness' })
const plugins = z.object({ plugins: z.array(z.object({ name: z.string() }).loose()) })
const anything = z.object({}).loose()

const isServing = (status: string) => status === 'ready' || status === 'degraded'

const healthz = route({
  ...probe,
  path: '/healthz',
  summary: 'Is the process alive? Touches nothing else.',
  tags: ['health'],
  responses: { 200: alive },
  examples: [{ summary: 'Alive' }],
  handler: () => ({ status: 'ok' }),
})

const readyz = route({
  ...probe,
  path: '/readyz',
  summary: 'May traffic come? 503 while starting, draining, or without something required.',
  tags: ['health'],
  responses: { 200: ready, 503: ready },
  examples: [{ summary: 'Ready' }],
  handler: async ({ host }) => {
    const { status } = await host.readiness()
    return reply(isServing(status) ? 200 : 503, { status })
  },
})

const readyzVerbose = route({
  ...operation,
  method: 'GET',
  path: '/readyz',
  summary: 'Readiness; `?verbose` adds every check and plugin.',
  tags: ['health'],
  query: z.object({ verbose: z.string().optional() }),
  responses: { 200: ready, 503: ready },
  handler: async ({ host }, { query }) => {
    const { status, plugins: checks } = await host.readiness()
    const detail = query.verbose === undefined ? {} : { checks, plugins: host.plugins() }
    return reply(isServing(status) ? 200 : 503, { status, ...detail })
  },
})

const adminPlugins = route({
  ...operation,
  method: 'GET',
  path: '/admin/plugins',
  summary: 'Every plugin: state, since, last error, key, requests in flight, start time, routes.',
  tags: ['operations'],
  responses: { 200: plugins },
  handler: ({ host }) => ({ hash: host.hash, plugins: host.plugins() }),
})

const adminPlan = route({
  ...operation,
  method: 'GET',
  path: '/admin/plan',
  summary: 'What a reload would start, keep, retire and lose.',
  tags: ['operations'],
  responses: { 200: anything },
  handler: async ({ host }) => {
    try {
      return await host.preview()
    } catch (error) {
      return rejection(error)
    }
  },
})

const adminReload = route({
  ...operation,
  method: 'POST',
  path: '/admin/reload',
  summary:
    'Takes over the manifest as it is now; `If-Match` with the hash of /admin/plan guards it.',
  tags: ['operations'],
  timeoutMs: 120_000,
  body: { schema: z.strictObject({}).optional(), maxBytes: 1_024 },
  responses: { 200: anything },
  handler: async ({ host }, { ctx }) => {
    const ifMatch = ctx.get('if-match').replaceAll('"', '')
    try {
      const report = await host.reload(ifMatch === '' ? undefined : ifMatch)
      return reply(200, report, { etag: `"${report.hash}"` })
    } catch (error) {
      return rejection(error)
    }
  },
})

/** Not about the manifest: another one runs by now, or none will. */
const notOfTheManifest = ['manifest_changed', 'server_draining']

/** 422 with every fault. */
function rejection(error: unknown) {
  if (isProblem(error) && notOfTheManifest.includes(error.code)) throw error
  const body = {
    type: 'urn:autodocops:problem:reload_rejected',
    title: 'The reload was rejected; nothing has changed',
    status: 422,
    code: 'reload_rejected',
    ...reasonsOf(error),
  }
  return reply(422, body, { 'content-type': 'application/problem+json' })
}

function reasonsOf(error: unknown): object {
  if (error instanceof FaultsError) return { faults: error.faults }
  if (error instanceof StartFailed) {
    return {
      failures: error.failures.map((one) => ({ plugin: one.plugin, ...reasonOf(one.error) })),
    }
  }
  return reasonOf(error)
}

function reasonOf(error: unknown): { readonly detail: string; readonly hint?: string } {
  const hint = isProblem(error) && error.hint !== undefined ? { hint: error.hint } : {}
  return { detail: messageOf(error), ...hint }
}

/** The core's own routes, mounted like those of a plugin. */
export function coreMounts(
  host: Operated,
  log: Logger,
): { public: MountedPlugin; operations: MountedPlugin } {
  const base = {
    name: 'core',
    services: { host },
    log,
    enter: () => undefined,
    leave: () => undefined,
    signal: new AbortController().signal,
  }
  const mount = (routes: readonly Route[]): MountedPlugin => ({ ...base, routes })
  return {
    public: mount([healthz, readyz]),
    operations: mount([healthz, readyzVerbose, adminPlugins, adminPlan, adminReload]),
  }
}
