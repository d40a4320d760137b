import type { ResponseRule, Route } from '../route.ts'
import { HttpErrors } from './errors.ts'

type Rules = Route['responses']

const isRule = (rule: Rules[number]): rule is ResponseRule => !('_zod' in (rule ?? {}))

/** The media types that a route's good replies have; none when they have no body. */
export function typesOf(responses: Rules): readonly string[] {
  const good = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  return [...new Set(good.flatMap(([status, rule]) => (status === '204' ? [] : typesOfRule(rule))))]
}

/** What text and bytes are called when the reply does not say: the first declared type that is not JSON. */
export function plainTypeOf(responses: Rules): string | undefined {
  const declared = Object.values(responses).flatMap((rule) =>
    rule !== undefined && isRule(rule) && rule.contentType !== undefined ? rule.contentType : [],
  )
  const type = declared.find((one) => !one.startsWith('application/json'))
  return type?.startsWith('text/') && !type.includes(';') ? `${type}; charset=utf-8` : type
}

function typesOfRule(rule: Rules[number]): readonly string[] {
  if (rule === undefined || !isRule(rule)) return ['application/json']
  if (rule.contentType !== undefined) return [rule.contentType].flat().map(withoutParameters)
  return ['application/json']
}

const withoutParameters = (type: string): string => (type.split(';')[0] ?? '').trim().toLowerCase()

/** Throws 406 when none of the types is wanted (RFC 9110 §12.5.1); no header wants anything. */
export function requireAcceptable(accept: string | undefined, types: readonly string[]): void {
  if (accept === undefined || types.length === 0 || accept.includes('*/*')) return
  const ranges = accept.split(',').filter((range) => !/;\s*q=0(?:\.0*)?\s*$/i.test(range))
  if (ranges.some((range) => types.some((type) => covers(withoutParameters(range), type)))) return
  throw HttpErrors.not_acceptable({ types: types.join(', ') })
}

const covers = (range: string, type: string): boolean =>
  range === type || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)))
