import { CoreEvents, pluginHooks, shedReasons } from './core-events.ts'
import { counter, gauge, histogram, open, upDown } from './metric.ts'
import type { AppView, PluginState } from './plugin.ts'
import { packageVersion } from './package-root.ts'
import type { PluginReport } from './app-view.ts'
import type { Readiness } from './readiness.ts'

/** What the core counts: the families that come first in every meter. */

function buildInfo(): Readonly<Record<string, string>> {
  const { deno, node } = process.versions as { readonly deno?: string; readonly node: string }
  const version = packageVersion()
  if (deno !== undefined) return { version, runtime: 'deno', runtime_version: deno }
  return { version, runtime: 'node', runtime_version: node }
}

export interface Watched {
  readonly host: {
    readonly app: AppView
    readonly plugins: () => readonly PluginReport[]
    readonly readiness: () => Promise<Readiness>
    readonly inFlight: () => number
  }
}

const requestBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
const streamBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
const firstByteBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** The widest last: label sets are found label by label, and what all requests share stays near. */
const requestLabels = { method: open, status_code: open, route: open }
const outcomes = ['completed', 'aborted', 'error'] as const

const running = ({ state }: PluginState) => Number(state === 'running')
const enabled = (app: AppView) => app.plugins().filter(({ state }) => state !== 'disabled')

/** Every route with its success and with 500: a rate sees the first failure only if it saw a 0 before. */
const knownRequests = ({ host }: Watched) =>
  host.app
    .routes()
    .filter(({ listener }) => listener === 'public')
    .flatMap(({ method, path, responses }) =>
      [Object.keys(responses)[0] ?? '200', '500'].map((status) => ({
        method,
        route: path,
        status_code: status,
      })),
    )

const knownFailures = ({ host }: Watched) =>
  enabled(host.app).flatMap(({ name }) => pluginHooks.map((hook) => ({ plugin: name, hook })))

export const coreFamilies = [
  {
    known: knownRequests,
    ...counter({
      name: 'http_requests_total',
      help: 'Requests that were answered, 499 for those whose client left.',
      labels: requestLabels,
      from: CoreEvents,
      on: {
        'http:request-finished': ({ method, route, status }) => ({
          method,
          route,
          status_code: String(status),
        }),
      },
    }),
  },
  histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to the end of its reply, without streams.',
    labels: requestLabels,
    buckets: requestBuckets,
    from: CoreEvents,
    on: {
      'http:request-finished': ({ method, route, status, durationMs, streamed }) =>
        streamed ? undefined : [{ method, route, status_code: String(status) }, durationMs / 1_000],
    },
  }),
  gauge({
    name: 'http_requests_in_flight',
    help: 'Requests being answered now.',
    collect: ({ host }: Watched) => host.inFlight(),
  }),
  histogram({
    name: 'http_stream_duration_seconds',
    help: 'Life of streamed replies.',
    labels: { route: open, outcome: outcomes },
    buckets: streamBuckets,
    from: CoreEvents,
    on: {
      'http:stream-finished': ({ route, outcome, durationMs }) => [
        { route, outcome },
        durationMs / 1_000,
      ],
    },
  }),
  histogram({
    name: 'http_stream_first_byte_seconds',
    help: 'Time to the first byte of streamed replies.',
    labels: { route: open },
    buckets: firstByteBuckets,
    from: CoreEvents,
    on: { 'http:stream-started': ({ route, firstByteMs }) => [{ route }, firstByteMs / 1_000] },
  }),
  upDown({
    name: 'http_streams_in_flight',
    help: 'Streamed replies that are open now.',
    labels: { route: open },
    from: CoreEvents,
    on: {
      'http:stream-started': ({ route }) => [{ route }, 1],
      'http:stream-finished': ({ route }) => [{ route }, -1],
    },
  }),
  counter({
    name: 'http_requests_shed_total',
    help: 'Requests refused because the server was overloaded.',
    labels: { reason: shedReasons },
    from: CoreEvents,
    on: { 'http:request-shed': ({ reason }) => ({ reason }) },
  }),
  gauge({
    name: 'plugin_info',
    help: 'Plugins that are on, with their versions.',
    labels: { plugin: open, version: open },
    collect: ({ host }: Watched) =>
      enabled(host.app).map(({ name, version }) => [{ plugin: name, version }, 1]),
  }),
  gauge({
    name: 'plugin_up',
    help: '1 while the plugin runs, 0 while it could not be started.',
    labels: { plugin: open },
    collect: ({ host }: Watched) =>
      enabled(host.app).map((plugin) => [{ plugin: plugin.name }, running(plugin)]),
  }),
  {
    known: knownFailures,
    ...counter({
      name: 'plugin_errors_total',
      help: 'Faults of plugins outside of requests, and requests that ended in 500.',
      labels: { plugin: open, hook: pluginHooks },
      from: CoreEvents,
      on: { 'plugin:failed': ({ plugin, hook }) => ({ plugin, hook }) },
    }),
  },
  gauge({
    name: 'plugin_start_duration_seconds',
    help: 'How long its last start took.',
    labels: { plugin: open },
    collect: ({ host }: Watched) =>
      host
        .plugins()
        .flatMap(({ name, startMs }) =>
          startMs === null ? [] : [[{ plugin: name }, startMs / 1_000]],
        ),
  }),
  gauge({
    name: 'app_build_info',
    help: 'What runs: 1, with its version and its runtime.',
    labels: { version: open, runtime: ['node', 'deno'], runtime_version: open },
    collect: () => [[buildInfo(), 1]],
  }),
  gauge({
    name: 'app_ready',
    help: '1 while /readyz answers 200.',
    collect: async ({ host }: Watched) => {
      const { status } = await host.readiness()
      return Number(status === 'ready' || status === 'degraded')
    },
  }),
  counter({
    name: 'config_reloads_total',
    help: 'Reloads of the manifest.',
    labels: { outcome: ['applied', 'rejected', 'unchanged'] },
    from: CoreEvents,
    on: { 'config:reloaded': ({ outcome }) => ({ outcome }) },
  }),
]
