import * as z from 'zod'

import { secretRuleOf, type SecretRule } from '../secret.ts'
import type { Path } from './tree.ts'

/** What `.meta()` of a config key may say, besides its description. */
export interface KeyMeta {
  /** The environment variable that the default manifest reads for it. */
  readonly env?: string
  readonly deprecated?: boolean
  /** With `deprecated`: the key to use instead, and the version that will refuse this one. */
  readonly replacedBy?: string
  readonly removedIn?: string
}

export interface Visit {
  readonly path: Path
  readonly schema: z.ZodType
  readonly value: unknown
}

type Def = z.core.$ZodTypes['_zod']['def']
const defOf = (schema: z.core.$ZodType): Def => (schema as z.core.$ZodTypes)._zod.def

/** The schema, then what it wraps: optional, default, pipe, … */
function* chain(schema: z.core.$ZodType): Generator<z.core.$ZodType> {
  let current: z.core.$ZodType | undefined = schema
  while (current !== undefined) {
    yield current
    if (ownRule(current) !== undefined) return
    current = inner(defOf(current))
  }
}

/** What is left when all that wraps it is taken away. */
export const innermost = (schema: z.core.$ZodType): z.core.$ZodType =>
  [...chain(schema)].at(-1) ?? schema

function inner(def: Def): z.core.$ZodType | undefined {
  if (def.type === 'pipe') return def.in
  if (def.type === 'lazy') return def.getter()
  return 'innerType' in def ? def.innerType : undefined
}

/** A described schema is a copy, which knows what it was copied from. */
function ownRule(schema: z.core.$ZodType): SecretRule | undefined {
  let current: z.core.$ZodType | undefined = schema
  while (current !== undefined) {
    const rule = secretRuleOf(current)
    if (rule !== undefined) return rule
    current = current._zod.parent
  }
  return undefined
}

/** The rule of a secret, however it is wrapped; `undefined` for what is none. */
export function secretRule(schema: z.core.$ZodType): SecretRule | undefined {
  for (const layer of chain(schema)) {
    const rule = ownRule(layer)
    if (rule !== undefined) return rule
  }
  return undefined
}

export function keyMeta(schema: z.core.$ZodType): KeyMeta {
  const metas = [...chain(schema)].map((layer) => z.globalRegistry.get(layer) ?? {})
  return Object.assign({}, ...metas.toReversed()) as KeyMeta
}

/** Every schema that has a say, with the value it speaks of; keys that are absent come as `undefined`. */
export function* visit(schema: z.core.$ZodType, value: unknown, path: Path = []): Generator<Visit> {
  yield { path, schema: schema as z.ZodType, value }
  const bare = innermost(schema)
  if (ownRule(bare) !== undefined) return
  for (const [part, child] of children(defOf(bare), value)) {
    const below =
      part === undefined ? value : (value as Record<string, unknown> | undefined)?.[part]
    yield* visit(child, below, part === undefined ? path : [...path, part])
  }
}

type Child = readonly [part: string | number | undefined, schema: z.core.$ZodType]

function children(def: Def, value: unknown): readonly Child[] {
  if (def.type === 'object') return Object.entries(def.shape)
  if (def.type === 'array' && Array.isArray(value))
    return value.map((_item, index) => [index, def.element])
  if (def.type === 'record' && typeof value === 'object' && value !== null)
    return Object.keys(value).map((key) => [key, def.valueType])
  if (def.type === 'union' && value !== undefined)
    return def.options.map((option) => [undefined, option])
  return []
}

/** The keys that an object takes at a path; nothing where it takes any. */
export function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const def = defOf(innermost(schema))
  if (def.type === 'union') return def.options.flatMap((option) => keysAt(option, path))
  const [part, ...rest] = path
  if (part === undefined) return def.type === 'object' ? Object.keys(def.shape) : []
  const next = childAt(def, part)
  return next === undefined ? [] : keysAt(next, rest)
}

function childAt(def: Def, part: string | number): z.core.$ZodType | undefined {
  if (def.type === 'object') return def.shape[part]
  if (def.type === 'record') return def.valueType
  return def.type === 'array' ? def.element : undefined
}
