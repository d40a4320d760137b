import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import * as z from 'zod'

import type { PluginFacts } from '../../core/facts.ts'
import { Events } from '../../core/events.ts'
import { Host, type HostOptions } from '../../core/host.ts'
import { createLog } from '../../core/log.ts'
import { serverSchema } from '../../core/manifest/server-config.ts'
import type { Plan, PlannedPlugin } from '../../core/plan.ts'
import { definePlugin, type Plugin } from '../../core/plugin.ts'
import { systemClock, systemRandom } from '../../core/provide.ts'
import { reply } from '../../core/route.ts'
import { service, type HardTokens, type Tokens } from '../../core/service.ts'
import { slots, type Slot } from '../../core/slots.ts'
import { closedAfterwards } from '../harness/closing.ts'
import { until } from '../harness/until.ts'

type AnyPlugin = Plugin<string, Tokens, HardTokens>

export interface Entry {
  readonly plugin: AnyPlugin
  readonly config?: unknown
  readonly critical?: boolean
}

export const about = {
  version: '1.0.0',
  core: '^1',
  summary: 'A plugin of a test',
  config: z.strictObject({ n: z.number().default(0) }),
  examples: { config: { valid: [{}], invalid: [] } },
} as const

export const open = {
  auth: 'public',
  limit: 'none',
  timeoutMs: 20_000,
  responses: { 200: z.unknown() },
} as const

/** What a route of a test must say, said; its path, its handler and whatever differs come behind. */
export const get = { ...open, method: 'GET', summary: 'A route of a test' } as const

export const Pool = service('pool').of<{ readonly query: () => string }>()

/** A pool that refuses once it is closed, as real ones do. */
export const pool = definePlugin({
  name: 'pool',
  ...about,
  provides: { pool: Pool },
  internal: {},
  services: {
    pool: ({ config, lifecycle }) => ({
      query: () => {
        if (lifecycle.aborted) throw new Error('pool closed')
        return `pool ${config.n}`
      },
    }),
  },
})

const waiting = new Map<string, () => void>()

/**
 * Answers from the pool: at once, after a while (`?ms`), when it is let (`?wait`), or as a stream of `?n`
 * chunks, one every 10 ms.
 */
export const reader = definePlugin({
  name: 'reader',
  ...about,
  requires: { pool: Pool },
  routes: ({ route }) => [
    route({
      ...get,
      path: '/read',
      query: z.object({ ms: z.coerce.number().default(0), wait: z.string().optional() }),
      handler: async ({ pool: { query }, config }, { query: { ms, wait } }) => {
        const before = query()
        if (ms > 0) await sleep(ms)
        if (wait !== undefined) await new Promise<void>((resolve) => waiting.set(wait, resolve))
        return { before, after: query(), reader: config.n }
      },
    }),
    route({
      ...get,
      path: '/stream',
      stream: { idleMs: 5_000, totalMs: 20_000 },
      query: z.object({ n: z.coerce.number() }),
      handler: ({ pool: { query } }, { query: { n } }) =>
        reply(200, chunks(n, query), { 'content-type': 'text/plain' }),
    }),
  ],
})

async function* chunks(count: number, query: () => string) {
  for (let i = 0; i < count; i += 1) {
    yield `${i} ${query()}\n`
    await sleep(10)
  }
}

/** The pool and its reader, each told apart by a number. */
export const both = (poolN: number, readerN = 0): readonly Entry[] => [
  { plugin: pool, config: { n: poolN } },
  { plugin: reader, config: { n: readerN } },
]

/** A plan of plugins at hand, in this order; keys as the real plan makes them. */
export function planOf(entries: readonly Entry[], server: object = {}): Plan {
  const planned: PlannedPlugin[] = []
  for (const entry of entries) planned.push(plannedOf(entry, planned))
  const hash = digest([server, planned.map(({ key }) => key)])
  return {
    hash,
    isBuiltIn: false,
    server: serverSchema.parse({
      port: 0,
      operations: '127.0.0.1:0',
      drain: '2s',
      retire: '30s',
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

/** A host whose manifest is whatever `plans.next` holds. It is closed after its test. */
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
  closedAfterwards(host, () => host.close(100))
  return { host, plans, lines }
}

/** A host that runs, and how to ask its reader. */
export async function booted(entries: readonly Entry[], server = {}) {
  const made = hostOf(planOf(entries, server))
  await made.host.boot()
  const read = async (query = '') => {
    const response = await fetch(`${made.host.addresses.public}/read${query}`)
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const stateOf = (name: string) => made.host.plugins().find((plugin) => plugin.name === name)
  /** Resolves when the request has reached the reader, where it waits until `end` is called. */
  const holding = async (name: string) => {
    waiting.delete(name)
    const answer = read(`?wait=${name}`)
    await until(() => waiting.has(name))
    return {
      end: () => {
        waiting.get(name)?.()
        return answer
      },
    }
  }
  return { ...made, read, stateOf, holding }
}

/** Why it was refused. */
export const refusal = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error('was not refused')
    },
    (reason: Error) => reason,
  )
