import { createHash } from 'node:crypto'

import type { PluginFacts } from '../../core/facts.ts'
import { Events } from '../../core/events.ts'
import { Host, type HostOptions } from '../../core/host.ts'
import { createLog } from '../../core/log.ts'
import { serverSchema } from '../../core/manifest/server-config.ts'
import type { Plan, PlannedPlugin } from '../../core/plan.ts'
import type { Plugin } from '../../core/plugin.ts'
import { systemClock, systemRandom } from '../../core/provide.ts'
import type { HardTokens, Tokens } from '../../core/service.ts'
import { slots, type Slot } from '../../core/slots.ts'

type AnyPlugin = Plugin<string, Tokens, HardTokens>

export interface Entry {
  readonly plugin: AnyPlugin
  readonly config?: unknown
  readonly critical?: boolean
}

/** A plan of plugins at hand, in this order; keys as the real plan makes them. */
export function planOf(entries: readonly Entry[], server: object = {}): Plan {
  const planned: PlannedPlugin[] = []
  for (const entry of entries) planned.push(plannedOf(entry, planned))
  const hash = digest([server, planned.map(({ key }) => key)])
  return {
    hash,
    server: serverSchema.parse({
      port: 0,
      operations: '127.0.0.1:0',
      drain: '2s',
      retire: '5s',
      ...server,
    }),
    log: { level: 'silent' },
    plugins: planned,
    disabled: [],
    warnings: [],
  }
}

function plannedOf(
  { plugin, config = {}, critical = true }: Entry,
  before: readonly PlannedPlugin[],
) {
  const facts = factsOf(plugin)
  const wanted = facts.requires.map(({ id }) => id)
  const needed = before.filter(
    (other) =>
      other.source.facts.provides.some((id) => wanted.includes(id)) ||
      (facts.migrations && other.source.facts.fills.includes('migrator')),
  )
  return {
    name: plugin.name,
    source: { facts, load: async () => plugin, loadConfig: async () => plugin.config },
    config: plugin.config.parse(config),
    key: digest([plugin.name, plugin.version, config, needed.map(({ key }) => key)]),
    needs: needed.map(({ name }) => name),
    level: Math.max(-1, ...needed.map(({ level }) => level)) + 1,
    critical,
    generates: [],
    position: { file: 'test', line: 1, col: 1 },
  }
}

const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')

const factsOf = (plugin: AnyPlugin): PluginFacts => ({
  name: plugin.name,
  version: plugin.version,
  core: plugin.core,
  summary: plugin.summary,
  requires: Object.values(plugin.requires).map(({ id, optional }) => ({ id, optional })),
  provides: Object.values(plugin.provides).map(({ id }) => id),
  fills: slots.filter((slot: Slot) => plugin.fills[slot] !== undefined),
  migrations: plugin.migrations !== undefined,
  routes: [],
  metrics: [],
  commands: [],
  environment: [],
  config: {},
})

/** A host whose manifest is whatever `plans.next` holds. */
export function hostOf(first: Plan, options: Partial<HostOptions> = {}) {
  const plans: { next: Plan | Error } = { next: first }
  const lines: string[] = []
  const log = createLog({
    level: 'debug',
    pretty: false,
    stream: { write: (line) => lines.push(line) },
  })
  const host = new Host({
    plan: async () => {
      if (plans.next instanceof Error) throw plans.next
      return plans.next
    },
    log: { ...log, setLevel: () => undefined },
    events: new Events(() => undefined),
    clock: systemClock,
    random: systemRandom,
    production: false,
    ...options,
  })
  return { host, plans, lines }
}
