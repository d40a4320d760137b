import { schemaAt } from './openapi.ts'
import type { ApiDocument, ApiSchema } from './openapi.ts'

const deepest = 6
const formats: Readonly<Record<string, string>> = {
  'date-time': '2026-01-31T12:00:00.000Z',
  uri: 'https://example.com/',
  email: 'alice@example.com',
  uuid: '01990f3e-7c1a-7d2b-8a52-0c3b9a1f5e77',
}

/** A value of the shape that a schema describes, to be looked at: how a reply is built, not what it says. */
export function sampleOf(document: ApiDocument, reference: ApiSchema = {}, depth = 0): unknown {
  const schema = schemaAt(document, reference)
  const fixed = schema.const ?? schema.default ?? schema.enum?.[0]
  if (fixed !== undefined) return fixed
  const [variant] = variantsOf(schema)
  if (variant !== undefined) return sampleOf(document, variant, depth)
  if (depth > deepest) return null
  const type = typesOf(schema).find((one) => one !== 'null')
  if (type === 'array') return [sampleOf(document, schema.items, depth + 1)]
  if (type === 'object') return objectOf(document, schema, depth)
  if (type === 'boolean') return true
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1
  return type === 'string' ? (formats[schema.format ?? ''] ?? 'text') : null
}

function objectOf(document: ApiDocument, schema: ApiSchema, depth: number): unknown {
  const entries = Object.entries(schema.properties ?? {}).map(([name, value]) => [
    name,
    sampleOf(document, value, depth + 1),
  ])
  const { additionalProperties: rest } = schema
  if (entries.length === 0 && typeof rest === 'object' && Object.keys(rest).length > 0)
    return { name: sampleOf(document, rest, depth + 1) }
  return Object.fromEntries(entries) as Record<string, unknown>
}

/** What a value may be instead, without the `null` that stands for its absence and what only says which are required. */
export const variantsOf = ({ properties, anyOf, oneOf, allOf }: ApiSchema): readonly ApiSchema[] =>
  properties === undefined
    ? (anyOf ?? oneOf ?? allOf ?? []).filter(({ type }) => type !== 'null')
    : []

export const typesOf = ({ type, properties, items }: ApiSchema): readonly string[] => {
  if (type !== undefined) return [type].flat()
  if (properties !== undefined) return ['object']
  return items === undefined ? [] : ['array']
}
