import type { DeclaredType, Kind } from './declarations.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export const kindOf = (value: unknown): Kind => {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : (typeof value as Kind)
}

const isObject = (value: unknown): value is JsonObject => kindOf(value) === 'object'

/** Keys of `metadata` are anybody's. */
const isFree = (path: string) => /(^|\.)metadata$/.test(path)

/**
 * In what an object is other than Stripe's SDK declares it, nested fields and members of lists included:
 * `subscription.items[].price: array instead of object`. Empty: in nothing.
 */
export function undeclared(value: unknown, type: DeclaredType, path: string): string[] {
  const [kind, { kinds }] = [kindOf(value), type]
  if (!kinds.has(kind)) return [`${path}: ${kind} instead of ${[...kinds].join(' or ')}`]
  if (Array.isArray(value)) return membersOf(value, type, path)
  if (!isObject(value) || isFree(path)) return []
  if (type.isList) return membersOf(value['data'], type, path)
  const { fields } = type
  if (!fields) return []
  const missing = [...fields].filter(([name, { isOptional }]) => !isOptional && !(name in value))
  const found = Object.entries(value).flatMap(([name, inner]) => {
    const field = fields.get(name)
    return field
      ? undeclared(inner, field.type, `${path}.${name}`)
      : [`${path}.${name}: not declared`]
  })
  return [...missing.map(([name]) => `${path}.${name}: missing`), ...found]
}

function membersOf(members: unknown, { element }: DeclaredType, path: string): string[] {
  if (!Array.isArray(members)) return [`${path}.data: missing`]
  const found = members.map((one) => (element ? undeclared(one, element, `${path}[]`) : []))
  return [...new Set(found.flat())]
}

/**
 * In what an object is other than the official example of one: a field more or less, or another JSON type. A null
 * on either side stands for any type that the SDK declares beside null.
 */
export function unlike(
  ours: unknown,
  theirs: unknown,
  type: DeclaredType | undefined,
  path: string,
): string[] {
  const [a, b] = [kindOf(ours), kindOf(theirs)]
  if (a === 'null' || b === 'null') return isTolerated(a, b, type) ? [] : [`${path}: ${a} for ${b}`]
  if (a !== b) return [`${path}: ${a} for ${b}`]
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (theirs.length === 0) return []
    const found = ours.map((one) => unlike(one, theirs[0], type?.element, `${path}[]`))
    return [...new Set(found.flat())]
  }
  if (!isObject(ours) || !isObject(theirs) || isFree(path)) return []
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
  return names.flatMap((name) => {
    const at = `${path}.${name}`
    if (!(name in ours)) return [`${at}: missing`]
    if (!(name in theirs)) return [`${at}: not in the example`]
    const inner = type?.isList ? type : type?.fields?.get(name)?.type
    return unlike(ours[name], theirs[name], inner, at)
  })
}

function isTolerated(a: Kind, b: Kind, type: DeclaredType | undefined): boolean {
  if (a === b) return true
  return type !== undefined && type.kinds.has('null') && type.kinds.has(a === 'null' ? b : a)
}
