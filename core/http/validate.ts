import type * as z from 'zod'

import type { ProblemItem } from '../errors.ts'
import { HttpErrors } from './errors.ts'

/** More than these help nobody, and a hostile body could make thousands. */
const maxItems = 20

/** A malformed id is no id: 404, as for one that does not exist. */
export function readParams(schema: z.ZodType, params: Readonly<Record<string, string>>): unknown {
  const result = schema.safeParse(params)
  if (result.success) return result.data
  throw HttpErrors.not_found()
}

export function readQuery(schema: z.ZodType, query: string, maxParams: number): unknown {
  const result = schema.safeParse(parseQuery(query, maxParams))
  if (result.success) return result.data
  throw HttpErrors.invalid_query({ errors: itemsOf('query', result.error) })
}

/** `undefined` is no body at all, which only a schema that takes it lets pass. */
export function checkBody(schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  if (value === undefined) throw HttpErrors.empty_body()
  throw HttpErrors.invalid_body({ errors: itemsOf('body', result.error) })
}

/** A name that comes twice is a list. No prototype, so that no name is special. */
function parseQuery(query: string, maxParams: number): Record<string, string | string[]> {
  const values = Object.create(null) as Record<string, string | string[]>
  if (query === '') return values
  const pairs = [...new URLSearchParams(decodable(query))]
  if (pairs.length > maxParams)
    throw invalidQuery('', 'too_many', `at most ${maxParams} parameters`)
  for (const [name, value] of pairs) {
    const before = values[name]
    values[name] = before === undefined ? value : [before, value].flat()
  }
  return values
}

/** URLSearchParams would turn a bad escape into U+FFFD and go on. */
function decodable(query: string): string {
  try {
    if (query.includes('%')) decodeURIComponent(query)
    return query
  } catch {
    throw invalidQuery('', 'encoding', 'is not percent-encoded UTF-8')
  }
}

const invalidQuery = (pointer: string, code: string, message: string) =>
  HttpErrors.invalid_query({ errors: [{ in: 'query', pointer, code, message }] })

const itemsOf = (part: ProblemItem['in'], error: z.ZodError): readonly ProblemItem[] =>
  error.issues
    .slice(0, maxItems)
    .flatMap((issue) => itemsOfIssue(part, issue))
    .slice(0, maxItems)

function itemsOfIssue(part: ProblemItem['in'], issue: z.core.$ZodIssue): readonly ProblemItem[] {
  const { code, message, path } = issue
  if (issue.code !== 'unrecognized_keys')
    return [{ in: part, pointer: pointerTo(path), code, message }]
  return issue.keys.slice(0, maxItems).map((key) => ({
    in: part,
    pointer: pointerTo([...path, key]),
    code,
    message: 'is not known here',
  }))
}

/** RFC 6901. */
const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
