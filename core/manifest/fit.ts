import type * as z from 'zod'

import { inWords } from './words.ts'

export type Issue = z.core.$ZodIssue
type Key = PropertyKey

export type Fitted =
  | { readonly ok: true; readonly data: unknown }
  | { readonly ok: false; readonly issues: readonly Issue[] }

/**
 * Parses a section. Interpolated text becomes a number or a boolean only where the schema refused text at
 * that very path: `"${PORT}"` fits, a numeric password stays text, a literal `port: "3000"` is a fault.
 */
export function fit(
  schema: z.ZodType,
  value: unknown,
  isInterpolated: (path: readonly Key[]) => boolean,
): Fitted {
  const first = parse(schema, value)
  if (first.ok) return first
  const copy = structuredClone(value)
  const changed = first.issues
    .flatMap(wanted)
    .filter(({ path }) => isInterpolated(path))
    .map(({ path, kinds }) => convert(copy, path, kinds))
  return changed.includes(true) ? parse(schema, copy) : first
}

function parse(schema: z.ZodType, value: unknown): Fitted {
  const result = schema.safeParse(value, { error: inWords })
  if (result.success) return { ok: true, data: result.data }
  return { ok: false, issues: result.error.issues }
}

interface Wanted {
  readonly path: readonly Key[]
  readonly kinds: readonly string[]
}

/** The paths where the schema wanted no text; in a union, of each of its forms. */
function wanted(issue: Issue): readonly Wanted[] {
  if (issue.code === 'invalid_type') return [{ path: issue.path, kinds: [issue.expected] }]
  if (issue.code === 'invalid_value')
    return [{ path: issue.path, kinds: issue.values.map((option) => typeof option) }]
  if (issue.code !== 'invalid_union') return []
  const below = issue.errors.flat().flatMap(wanted)
  return below.map(({ path, kinds }) => ({ path: [...issue.path, ...path], kinds }))
}

function convert(root: unknown, path: readonly Key[], kinds: readonly string[]): boolean {
  const key = path.at(-1)
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, part) => (at as Record<Key, unknown> | undefined)?.[part], root)
  if (key === undefined || typeof parent !== 'object' || parent === null) return false
  const holder = parent as Record<Key, unknown>
  const text = holder[key]
  if (typeof text !== 'string') return false
  const converted = kinds.map((kind) => fromText(kind, text)).find((made) => made !== undefined)
  if (converted === undefined) return false
  holder[key] = converted
  return true
}

function fromText(kind: string, text: string): number | boolean | undefined {
  if (kind === 'boolean') return booleanOf(text)
  if (kind !== 'number' && kind !== 'int') return undefined
  const isNumber = /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text)
  return isNumber ? Number(text) : undefined
}

const truths: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false,
}

/** As people write it in an environment. */
export const booleanOf = (text: string): boolean | undefined => truths[text.trim().toLowerCase()]
