import type * as z from 'zod'

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  null: 'empty',
}

const kindOf = (value: unknown): string => {
  if (value === null) return 'empty'
  return Array.isArray(value) ? 'a list' : (kinds[typeof value] ?? typeof value)
}

/** zod's issues in our words, none of which holds the value. A schema's own `error` comes before these. */
export const inWords = (issue: z.core.$ZodRawIssue): string | undefined => {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return 'is required'
    const expected = kinds[issue.expected] ?? issue.expected
    if (typeof issue.input === 'boolean') return `must be ${expected}, but this is a truth value`
    const isFraction = issue.expected === 'int' && typeof issue.input === 'number'
    return `must be ${expected}, but this is ${isFraction ? 'a fraction' : kindOf(issue.input)}`
  }
  if (issue.code === 'invalid_value') {
    const options = issue.values.map(String)
    return options.length === 1 ? `must be ${options[0]}` : `must be one of: ${options.join(', ')}`
  }
  if (issue.code === 'too_small') return bound(issue, 'at least', 'more than', issue.minimum)
  if (issue.code === 'too_big') return bound(issue, 'at most', 'less than', issue.maximum)
  if (issue.code === 'not_multiple_of') return `must be a multiple of ${issue.divisor}`
  if (issue.code === 'invalid_union') return 'fits none of the forms that are allowed here'
  if (issue.code === 'invalid_format') return format(issue)
  return undefined
}

const formats: Readonly<Record<string, string>> = {
  url: 'a URL',
  email: 'an e-mail address',
  uuid: 'a UUID',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
}

function bound(
  issue: { readonly origin: string; readonly inclusive?: boolean },
  inclusive: string,
  exclusive: string,
  limit: number | bigint,
): string {
  const words = issue.inclusive === false ? exclusive : inclusive
  if (issue.origin === 'string' && words === 'at least' && limit === 1) return 'must not be empty'
  if (issue.origin === 'string') return `must have ${words} ${limit} characters`
  if (['array', 'set', 'map', 'object', 'record'].includes(issue.origin))
    return `must have ${words} ${limit} entries`
  return `must be ${words} ${limit}`
}

function format(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidStringFormat>): string {
  if ('prefix' in issue) return `must start with ${String(issue.prefix)}`
  if ('suffix' in issue) return `must end with ${String(issue.suffix)}`
  if (issue.format === 'regex') return `must match ${String(issue['pattern'])}`
  return `must be ${formats[issue.format] ?? `of the form ${issue.format}`}`
}
