import type { Generation } from './generation.ts'
import { messageOf } from './instance.ts'
import { packageVersion } from './package-root.ts'
import type { AppView, PluginState } from './plugin.ts'

/** What the operations listener tells of a plugin, besides what every plugin may see. */
export interface PluginReport extends PluginState {
  readonly critical: boolean
  readonly runsOn: string | null
  readonly key: string | null
  readonly inFlight: number
  readonly startMs: number | null
  readonly routes: readonly string[]
}

/** The current generation as any plugin may see it; empty before the first. */
export const appView = (current: () => Generation | undefined): AppView => ({
  version: packageVersion(),
  routes: () => current()?.routes ?? [],
  plugins: () => pluginReports(current()),
  migrations: () => current()?.migrations() ?? [],
  securitySchemes: () => current()?.securitySchemes() ?? {},
})

export function pluginReports(generation: Generation | undefined): readonly PluginReport[] {
  if (generation === undefined) return []
  const { plan } = generation
  const on = plan.plugins.map(({ name }) => reportOf(generation, name))
  const off = plan.disabled.map(({ name, version, summary }) => ({
    ...absent,
    name,
    version,
    summary,
  }))
  return [...on, ...off]
}

const absent = {
  state: 'disabled',
  critical: false,
  since: null,
  lastError: null,
  runsOn: null,
  key: null,
  inFlight: 0,
  startMs: null,
  routes: [],
} as const

function reportOf(generation: Generation, name: string): PluginReport {
  const planned = generation.plan.plugins.find((candidate) => candidate.name === name)
  const instance = generation.instances.get(name)
  const lost = generation.unavailable.get(name)
  const since = instance?.since ?? lost?.since
  return {
    name,
    version: planned?.source.facts.version ?? '',
    summary: planned?.source.facts.summary ?? '',
    state: instance === undefined ? 'unavailable' : 'running',
    critical: planned?.critical ?? true,
    since: since === undefined ? null : new Date(since).toISOString(),
    lastError: lost === undefined ? null : messageOf(lost.error),
    runsOn: instance?.plugin.describe?.(instance.services as never) ?? null,
    key: instance?.key.slice(0, 16) ?? null,
    inFlight: instance?.inFlight ?? 0,
    startMs: instance === undefined ? null : Math.round(instance.startMs),
    routes: generation.routes
      .filter((route) => route.plugin === name)
      .map(({ method, path }) => `${method} ${path}`),
  }
}
