import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { duration, secret } from 'autodocops'
import * as z from 'zod'

import { configJsonSchema, type PluginFacts, type PluginSource } from '../../core/facts.ts'
import { FaultsError, faultText } from '../../core/manifest/faults.ts'
import { readManifest } from '../../core/manifest/read.ts'
import { plan, type Plan } from '../../core/plan.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A folder that is gone afterwards. */
export async function inFolder<T>(
  files: Readonly<Record<string, string>>,
  use: (cwd: string) => T | Promise<T>,
): Promise<T> {
  const cwd = mkdtempSync(join(tmpdir(), 'manifest-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(cwd, name)), { recursive: true })
      writeFileSync(join(cwd, name), text)
    }
    return await use(cwd)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

export interface Given {
  readonly yaml: string
  readonly env?: Environment
  readonly files?: Readonly<Record<string, string>>
  readonly sources?: ReadonlyMap<string, PluginSource>
}

export const planned = ({ yaml, env = {}, files = {}, sources = known }: Given): Promise<Plan> =>
  inFolder({ 'config/manifest.yaml': yaml, ...files }, (cwd) =>
    plan(readManifest({ cwd, env }), sources),
  )

/** Every fault and warning as it is printed. */
export async function faultsOf(given: Given): Promise<readonly string[]> {
  try {
    return (await planned(given)).warnings.map(faultText)
  } catch (error) {
    if (error instanceof FaultsError) return error.faults.map(faultText)
    throw error
  }
}

/** A plugin of which only the facts and the schema are there: a plan needs no more. */
export function source(
  facts: Partial<PluginFacts> & Pick<PluginFacts, 'name'>,
  config: z.ZodType = z.strictObject({}),
): PluginSource {
  const nothing = { requires: [], provides: [], fills: [], routes: [], metrics: [], commands: [] }
  return {
    facts: {
      version: '1.0.0',
      core: '^1',
      summary: facts.name,
      migrations: false,
      environment: [],
      ...nothing,
      config: configJsonSchema(config),
      ...facts,
    },
    loadConfig: async () => config,
    load: async () => {
      throw new Error(`${facts.name} was loaded`)
    },
  }
}

export const needs = (...ids: readonly string[]) => ids.map((id) => ({ id, optional: false }))
export const may = (...ids: readonly string[]) => ids.map((id) => ({ id, optional: true }))

const database = z.strictObject({
  url: secret().optional().meta({ env: 'DATABASE_URL' }),
  host: z.string().min(1).optional(),
  port: z.int().min(1).max(65_535).default(5432).meta({ env: 'DB_PORT' }),
  password: secret().optional().meta({ env: 'DB_PASSWORD' }),
  mode: z.enum(['auto', 'never']).default('auto'),
  pool: z.strictObject({ max: z.int().min(1).default(10) }).prefault({}),
})

const cache = z.strictObject({
  ttl: duration().prefault('20m'),
  share: z.number().gt(0).lt(1).default(0.5),
  compress: z.boolean().default(false),
  tags: z.array(z.string()).max(3).default([]),
  url: z.url().optional(),
  code: z.string().startsWith('c-').optional(),
  pattern: z
    .string()
    .regex(/^[a-z]+$/)
    .optional(),
  even: z.int().multipleOf(2).optional(),
  old: z.int().optional().meta({ deprecated: true, replacedBy: 'ttl', removedIn: '2.0.0' }),
  peer: z.union([z.literal(false), z.strictObject({ host: z.string(), port: z.int() })]).optional(),
})

const billing = z
  .strictObject({
    key: secret().optional().meta({ env: 'PAY_KEY' }),
    hook: secret({ minBytes: 16 }).optional(),
    signing: secret({ minBytes: 32, generated: true }).meta({ env: 'PAY_SIGNING' }),
    plans: z
      .record(
        z.string(),
        z.strictObject({ prices: z.array(z.string()), limit: z.int().nullable() }),
      )
      .default({}),
  })
  .refine((value) => value.key === undefined || value.hook !== undefined, {
    path: ['hook'],
    error: 'is needed beside key',
  })

const named = (sources: readonly PluginSource[]): ReadonlyMap<string, PluginSource> =>
  new Map(sources.map((one) => [one.facts.name, one]))

/** A small world: what the table of broken manifests is about. */
export const known = named([
  source({ name: 'database', provides: ['db'], fills: ['migrator'] }, database),
  source({ name: 'cache', provides: ['cache'] }, cache),
  source({ name: 'other-cache', provides: ['cache'] }),
  source(
    {
      name: 'projects',
      requires: [...needs('db'), ...may('cache')],
      migrations: true,
      routes: ['GET /projects/:id'],
      metrics: ['reads_total'],
    },
    z.strictObject({ title: z.string(), token: secret().meta({ env: 'PROJECT_TOKEN' }) }).partial(),
  ),
  source({ name: 'twin', routes: ['GET /projects/:name'], metrics: ['reads_total'] }),
  source({ name: 'billing', requires: needs('db') }, billing),
  source(
    { name: 'strict' },
    z.strictObject({
      name: z.string().meta({ env: 'STRICT_NAME' }),
      token: secret().meta({ env: 'STRICT_TOKEN' }),
    }),
  ),
  source({ name: 'keeps', migrations: true }),
  source({ name: 'limit-a', fills: ['limiter'] }),
  source({ name: 'limit-b', fills: ['limiter'] }),
  source({ name: 'loop', provides: ['loop'], requires: needs('loop') }),
  source({ name: 'ring-a', provides: ['a'], requires: needs('b') }),
  source({ name: 'ring-b', provides: ['b'], requires: needs('c') }),
  source({ name: 'ring-c', provides: ['c'], requires: needs('a') }),
  source({ name: 'on-ring', requires: needs('a') }),
  source({ name: 'old', core: '^0.9' }),
  source({ name: 'future', core: '>=2' }),
  {
    ...source({ name: 'broken' }),
    loadConfig: async () => {
      throw new Error('no such module')
    },
  },
])

/** A manifest and every line that is printed of it; ` → ` goes before a hint. */
export interface Broken extends Given {
  readonly title: string
  readonly told: readonly string[]
}
