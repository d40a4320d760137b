import type * as z from 'zod'

import { configJsonSchema, type JsonSchema, type PluginFacts } from '../facts.ts'
import { logSchema } from './log-config.ts'
import { serverSchema } from './server-config.ts'

/** What an interpolated value looks like before it is one. */
const interpolation = {
  type: 'string',
  pattern: '\\$\\{[^}]+\\}',
  description: '"${NAME}", "${NAME:-default}", "${NAME:?message}" or "${NAME:+alternative}"',
}

/**
 * The JSON Schema of a whole manifest, for editors. Numbers, booleans and choices also take an
 * interpolation, so that `"${PORT}"` is not flagged.
 */
export function manifestSchema(plugins: readonly PluginFacts[]): JsonSchema {
  const known = plugins.map((facts) => [facts.name, entrySchema(facts.summary, facts.config)])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'AutoDocOps manifest',
    type: 'object',
    additionalProperties: false,
    properties: {
      $schema: { type: 'string' },
      server: { ...block(serverSchema), description: 'Listeners, limits and times of the server.' },
      log: { ...block(logSchema), description: 'What is written to the log.' },
      plugins: {
        type: 'object',
        description: 'Which plugins are on, and their config.',
        properties: Object.fromEntries(known) as JsonSchema,
        additionalProperties: outsideEntry(),
      },
    },
  }
}

const block = (schema: z.ZodType): JsonSchema =>
  interpolated(configJsonSchema(schema)) as JsonSchema

const flag = (description: string, byDefault: boolean): JsonSchema => ({
  description,
  default: byDefault,
  anyOf: [{ type: 'boolean' }, interpolation],
})

function entrySchema(summary: string, config: JsonSchema, more: JsonSchema = {}): JsonSchema {
  const entry = {
    type: 'object',
    additionalProperties: false,
    properties: {
      enabled: flag('Whether it runs.', true),
      critical: flag('Whether the server refuses to start without it.', true),
      ignoreCore: flag('Run it on a core that it does not name.', false),
      from: { type: 'string', description: 'npm:<package> or ./<folder>.' },
      config: interpolated(config),
    },
    ...more,
  }
  return { description: summary, anyOf: [{ type: 'boolean' }, interpolation, entry] }
}

/** A plugin that is not built in says where it comes from. */
const outsideEntry = (): JsonSchema =>
  entrySchema('A plugin from outside.', { type: 'object' }, { required: ['from'] })

/** Keywords whose values are data, or schemas by name. */
const data = new Set(['default', 'enum', 'const', 'examples', 'required'])

function interpolated(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(interpolated)
  if (typeof schema !== 'object' || schema === null) return schema
  const below = Object.entries(schema).map(([key, value]) => {
    if (data.has(key)) return [key, value]
    if (key === 'properties') return [key, eachProperty(value as JsonSchema)]
    return [key, interpolated(value)]
  })
  return annotated(Object.fromEntries(below) as JsonSchema)
}

const eachProperty = (properties: JsonSchema): JsonSchema =>
  Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, interpolated(value)]))

/** Required keys may come from an overlay or be generated: that is judged by `check`, not by an editor. */
function annotated(schema: JsonSchema): JsonSchema {
  const { 'x-env': env, 'x-secret': _secret, required: _required, ...rest } = schema
  const told = [rest.description, env === undefined ? undefined : `Environment: ${env}.`]
  const description = told.filter((part) => part !== undefined).join(' ')
  const plain = description === '' ? rest : { ...rest, description }
  return isOpen(plain) ? plain : withInterpolation(plain)
}

/** Takes an interpolation as it is: free text, lists, maps. A duration, a URL or a choice does not. */
const isOpen = ({
  type,
  enum: options,
  pattern,
  format,
  minLength,
  const: only,
  anyOf,
}: JsonSchema): boolean => {
  if (anyOf !== undefined) return true
  if (['integer', 'number', 'boolean'].includes(String(type))) return false
  return [options, pattern, format, minLength, only].every((bound) => bound === undefined)
}

function withInterpolation({ default: preset, description, ...rest }: JsonSchema): JsonSchema {
  return {
    ...(description !== undefined && { description }),
    ...(preset !== undefined && { default: preset }),
    anyOf: [rest, interpolation],
  }
}
