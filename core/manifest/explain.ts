import { configJsonSchema, type JsonSchema, type PluginFacts } from '../facts.ts'
import { didYouMean } from './closest.ts'
import type { Position } from './faults.ts'
import { logSchema } from './log-config.ts'
import type { Manifest } from './manifest.ts'
import { serverSchema } from './server-config.ts'
import { pathText, type Path } from './tree.ts'

export interface Explanation {
  readonly path: string
  /** False: no schema has such a key. */
  readonly known: boolean
  /** As written, interpolated; secrets as `[redacted]`. */
  readonly value?: unknown
  /** `env DB_HOST`; absent for what is written in the file. */
  readonly origin?: string
  readonly position?: Position
  readonly byDefault?: unknown
  readonly env?: string
  readonly description?: string
  readonly hint?: string
}

/** Where a value comes from, and what it would be otherwise. Loads no plugin, and lives with any fault. */
export function explain(
  manifest: Manifest,
  plugins: readonly PluginFacts[],
  path: Path,
): Explanation {
  const field = fieldOf(plugins, path)
  if (field === undefined) return unknown(plugins, path)
  const { 'x-env': env, default: byDefault, description } = field
  return {
    path: pathText(path),
    known: true,
    ...written(manifest, path, field),
    ...(byDefault !== undefined && { byDefault }),
    ...(typeof env === 'string' && { env }),
    ...(typeof description === 'string' && { description }),
  }
}

function written(manifest: Manifest, path: Path, field: JsonSchema): Partial<Explanation> {
  if (!manifest.isWritten(path)) return {}
  const origin = manifest.origin(path)
  return {
    value: redacted(manifest.value(path), field),
    position: manifest.position(path),
    ...(origin !== undefined && { origin }),
  }
}

function unknown(plugins: readonly PluginFacts[], path: Path): Explanation {
  const parent = fieldOf(plugins, path.slice(0, -1))
  const siblings = Object.keys((parent?.['properties'] ?? {}) as JsonSchema)
  const known = siblings.length === 0 ? undefined : `known: ${siblings.join(', ')}`
  const hint = didYouMean(String(path.at(-1)), siblings) ?? known
  return { path: pathText(path), known: false, ...(hint !== undefined && { hint }) }
}

/** The JSON Schema at a path. */
function fieldOf(plugins: readonly PluginFacts[], path: Path): JsonSchema | undefined {
  const entry = ({ config }: PluginFacts) => ({
    properties: { enabled: flag, critical: flag, ignoreCore: flag, from: {}, config },
  })
  const properties = {
    server: configJsonSchema(serverSchema),
    log: configJsonSchema(logSchema),
    plugins: { properties: Object.fromEntries(plugins.map((facts) => [facts.name, entry(facts)])) },
  }
  return path.reduce<JsonSchema | undefined>(below, { properties })
}

const flag: JsonSchema = { type: 'boolean' }

function below(schema: JsonSchema | undefined, part: string | number): JsonSchema | undefined {
  if (schema === undefined) return undefined
  const {
    properties,
    additionalProperties: rest,
    items,
  } = schema as Record<string, JsonSchema | undefined>
  if (items !== undefined && Number.isInteger(Number(part))) return items
  const own = properties?.[part] as JsonSchema | undefined
  return own ?? (typeof rest === 'object' ? rest : undefined)
}

/** In doubt it is hidden: what no schema knows, and any form of a union that holds a secret. */
export function redacted(value: unknown, schema: JsonSchema | undefined): unknown {
  if (value === undefined || value === null) return value
  const hasForms = schema?.['anyOf'] !== undefined || schema?.['oneOf'] !== undefined
  const isHidden = schema === undefined || schema['x-secret'] === true
  if (isHidden || (hasForms && JSON.stringify(schema).includes('"x-secret"'))) return '[redacted]'
  if (hasForms || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((item, index) => redacted(item, below(schema, index)))
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([key, child]) => [key, redacted(child, below(schema, key))]),
  )
}
