import * as z from 'zod'

import { keyMeta, secretRule, visit } from './manifest/schema-walk.ts'
import type { CommandOption, Plugin } from './plugin.ts'
import { routeOf, type Route } from './route.ts'
import { slots, type Slot } from './slots.ts'

/**
 * What is known of a plugin without running its code: `plugins/index.json` for the built-in ones,
 * `"autodocops"` in package.json for those from outside. Made by `npm run generate`.
 */
export interface PluginFacts {
  readonly name: string
  readonly version: string
  readonly core: string
  readonly summary: string
  readonly requires: readonly { readonly id: string; readonly optional: boolean }[]
  readonly provides: readonly string[]
  readonly fills: readonly Slot[]
  readonly migrations: boolean
  /** With the config's defaults: `GET /api/projects/:id`, `operations GET /admin/cache`. */
  readonly routes: readonly string[]
  readonly metrics: readonly string[]
  readonly commands: readonly CommandFacts[]
  /** Environment variables that the default manifest gives to it. */
  readonly environment: readonly string[]
  /** JSON Schema (2020-12) of its config, as written in a manifest. */
  readonly config: Readonly<Record<string, unknown>>
}

/** All that `--help` of a verb prints. From outside the examples may be missing: then its code is asked. */
export interface CommandFacts {
  readonly name: string
  readonly summary: string
  readonly positionals: readonly string[]
  readonly options: Readonly<Record<string, CommandOption>>
  readonly examples: readonly string[]
}

/** JSON Schema, as far as editors, papers and explanations read it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly type?: string
  readonly description?: string
  /** The environment variable that the default manifest reads for it. */
  readonly 'x-env'?: string
  readonly 'x-secret'?: boolean
}

/** Where a plugin's facts and code come from. */
export interface PluginSource {
  readonly facts: PluginFacts
  /** The config schema alone: loads `config.ts`, no SDK. */
  readonly loadConfig: () => Promise<z.ZodType>
  readonly load: () => Promise<Plugin>
}

const texts = z.array(z.string()).default([])

const optionSchema = z.object({
  type: z.enum(['string', 'boolean']),
  description: z.string(),
  default: z.union([z.string(), z.boolean()]).exactOptional(),
  required: z.boolean().exactOptional(),
  multiple: z.boolean().exactOptional(),
  alias: z.string().exactOptional(),
})

const commandSchema = z.object({
  name: z.string(),
  summary: z.string(),
  positionals: texts,
  options: z.record(z.string(), optionSchema).default({}),
  examples: texts,
})

/** What a package from outside may write under `"autodocops"`. */
export const factsSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/, { error: 'must be kebab-case' }),
  version: z.string(),
  core: z.string(),
  summary: z.string().default(''),
  requires: z.array(z.object({ id: z.string(), optional: z.boolean().default(false) })).default([]),
  provides: texts,
  fills: z.array(z.enum(slots)).default([]),
  migrations: z.boolean().default(false),
  routes: texts,
  metrics: texts,
  commands: z.array(commandSchema).default([]),
  environment: texts,
  config: z.record(z.string(), z.unknown()).default({}),
})

/** Who it is, and how it hangs together with others: what a plan stands on. */
export type Links = Pick<
  PluginFacts,
  'name' | 'version' | 'requires' | 'provides' | 'fills' | 'migrations'
>

export const linksOf = ({ name, version, ...plugin }: Plugin): Links => ({
  name,
  version,
  requires: Object.values(plugin.requires).map(({ id, optional }) => ({ id, optional })),
  provides: Object.values(plugin.provides).map(({ id }) => id),
  fills: slots.filter((slot) => plugin.fills[slot] !== undefined),
  migrations: plugin.migrations !== undefined,
})

/** The facts of a plugin that is at hand. */
export function factsOf(plugin: Plugin): PluginFacts {
  const { core, summary } = plugin
  const { name, version, ...links } = linksOf(plugin)
  return {
    name,
    version,
    core,
    summary,
    ...links,
    routes: defaultRoutes(plugin),
    metrics: plugin.metrics.map((family) => family.name),
    commands: Object.entries(plugin.commands).map(([verb, command]) => ({
      name: verb,
      summary: command.summary,
      positionals: command.positionals ?? [],
      options: command.options ?? {},
      examples: command.examples,
    })),
    environment: environmentOf(plugin.config),
    config: configJsonSchema(plugin.config),
  }
}

/** The table of one listener, from config alone. */
export const routesOf = (
  kind: 'routes' | 'operations',
  plugin: Plugin,
  config: unknown,
): readonly Route[] => plugin[kind]?.({ route: routeOf<never>(), config: config as never }) ?? []

/** Both tables as facts write them. */
export const routeLines = (
  table: (kind: 'routes' | 'operations') => readonly Pick<Route, 'method' | 'path'>[],
): readonly string[] => {
  const line = ({ method, path }: Pick<Route, 'method' | 'path'>) => `${method} ${path}`
  return [
    ...table('routes').map(line),
    ...table('operations').map((route) => `operations ${line(route)}`),
  ]
}

/** With the config's defaults, else with the first example that is valid. */
function defaultRoutes(plugin: Plugin): readonly string[] {
  const candidates = [{}, ...plugin.examples.config.valid]
  const config = candidates
    .map((value) => plugin.config.safeParse(value))
    .find((r) => r.success)?.data
  return routeLines((kind) => routesOf(kind, plugin, config))
}

const environmentOf = (config: z.ZodType): readonly string[] => {
  const names = [...visit(config, {})].map(({ schema }) => keyMeta(schema).env)
  return [...new Set(names.filter((name) => name !== undefined))]
}

/** For editors, tables and `autodocops schema`; `x-env` and `x-secret` say what JSON Schema cannot. */
export function configJsonSchema(config: z.ZodType): JsonSchema {
  const { $schema: _draft, ...schema } = z.toJSONSchema(config, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => annotate(zodSchema, jsonSchema),
  })
  // A round through JSON drops what only lives in memory: zod's own symbols and functions.
  return JSON.parse(JSON.stringify(schema)) as JsonSchema
}

function annotate(schema: z.core.$ZodType, json: Record<string, unknown>): void {
  const { env } = keyMeta(schema)
  for (const key of ['env', 'replacedBy', 'removedIn']) delete json[key]
  if (env !== undefined) json['x-env'] = env
  if (secretRule(schema) !== undefined) json['x-secret'] = true
  // z.int() is bounded by what JavaScript can count, which helps nobody.
  if (json['maximum'] === Number.MAX_SAFE_INTEGER) delete json['maximum']
  if (json['minimum'] === Number.MIN_SAFE_INTEGER) delete json['minimum']
}
