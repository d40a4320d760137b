import type { ResponseRule, RouteExample, RouteFacts } from 'autodocops'
import * as z from 'zod'
import type { createDocument } from 'zod-openapi'

import { problemResponses } from './problem-responses.ts'
import type { ResponseParts, Schemes } from './problem-responses.ts'

type Paths = NonNullable<Parameters<typeof createDocument>[0]['paths']>
type Operation = NonNullable<Paths[string]['get']>
type Responses = Operation['responses']
type Examples = Readonly<Record<string, { readonly summary: string; readonly value: unknown }>>

/** One route as OpenAPI says it. `x-examples` are whole requests: the page shows them, the tests send them. */
export function operationOf(route: RouteFacts, schemes: Schemes): Operation {
  const { summary, description, tags, body, method, path, plugin, examples = [] } = route
  return {
    operationId: operationId(method, path),
    summary,
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: [...tags] }),
    ...parametersOf(route),
    ...(body !== undefined && { requestBody: requestBody(route) }),
    responses: merged(problemResponses(route, schemes), responsesOf(route)) as unknown as Responses,
    security: securityOf(route, Object.keys(schemes)),
    'x-plugin': plugin,
    'x-examples': [...examples],
  }
}

/** `GET /api/projects/:id` → `getApiProjectsById`. */
export const operationId = (method: string, path: string): string =>
  method.toLowerCase() +
  path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part.startsWith(':') ? `By${capital(part.slice(1))}` : capital(part)))
    .join('')

const capital = (part: string): string =>
  part
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

function parametersOf({ params, query, examples = [] }: RouteFacts): Partial<Operation> {
  const requestParams = {
    ...(params !== undefined && { path: withExamples(params, examples, 'params') }),
    ...(query !== undefined && { query: withExamples(query, examples, 'query') }),
  }
  return Object.keys(requestParams).length > 0 ? { requestParams } : {}
}

/** The first example that names a parameter is shown beside it. */
function withExamples(
  schema: z.ZodType,
  examples: readonly RouteExample[],
  part: 'params' | 'query',
): z.ZodObject {
  const object = schema as z.ZodObject
  const shape = Object.entries(object.shape as Readonly<Record<string, z.ZodType>>)
  const shown = shape.map(([name, value]) => {
    const example = examples.find((one) => one[part]?.[name] !== undefined)?.[part]?.[name]
    return [
      name,
      example === undefined ? value : value.meta({ ...value.meta(), param: { example } }),
    ]
  })
  return z.object(Object.fromEntries(shown) as Readonly<Record<string, z.ZodType>>)
}

function requestBody({ body, examples = [] }: RouteFacts): NonNullable<Operation['requestBody']> {
  const named = examples
    .filter((example) => example.body !== undefined)
    .map(({ summary, body: value }, index) => [`example${index + 1}`, { summary, value }])
  const shown = named.length > 0 && { examples: Object.fromEntries(named) as Examples }
  const schema = body !== undefined && 'schema' in body ? body.schema : z.unknown()
  const required = !schema.safeParse(undefined).success || body === undefined || 'raw' in body
  return { required, content: { 'application/json': { schema, ...shown } } }
}

/** The replies of the handler, which stand before a problem of the same status. */
function responsesOf({ responses }: RouteFacts): ResponseParts {
  const entries = Object.entries(responses).map(([status, rule]) => {
    const { schema, description, contentType = 'application/json' } = asRule(rule)
    const types = typeof contentType === 'string' ? [contentType] : contentType
    const content = Object.fromEntries(
      types.map((type) => [mediaType(type), { schema: schemaOf(schema, type) }]),
    )
    const hasBody = schema !== undefined || asRule(rule).contentType !== undefined
    return [status, { description: description ?? titleOf(status), ...(hasBody && { content }) }]
  })
  return Object.fromEntries(entries) as ResponseParts
}

/** A status that is both a reply and a problem (`/readyz`, 503) has both bodies. */
function merged(problems: ResponseParts, replies: ResponseParts): ResponseParts {
  const both = Object.keys(replies).filter((status) => status in problems)
  const joined = both.map((status) => {
    const [problem, given] = [problems[status], replies[status]]
    return [status, { ...problem, ...given, content: { ...problem?.content, ...given?.content } }]
  })
  return { ...problems, ...replies, ...(Object.fromEntries(joined) as ResponseParts) }
}

const asRule = (rule: z.ZodType | ResponseRule): ResponseRule =>
  rule instanceof z.ZodType ? { schema: rule } : rule

/** The schema is that of the JSON, which without one is any; text is text. */
const schemaOf = (schema: z.ZodType = z.unknown(), type: string): z.ZodType =>
  mediaType(type).endsWith('json') ? schema : z.string()

const mediaType = (type: string): string => type.split(';')[0]?.trim() ?? type

const titles: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'It is made',
  202: 'It is accepted',
  204: 'Done; there is no body',
  304: 'What you have is still good',
}
const titleOf = (status: string): string => titles[status] ?? 'Answered'

function securityOf(
  { auth }: RouteFacts,
  schemes: readonly string[],
): NonNullable<Operation['security']> {
  if (auth === 'public') return []
  const any = schemes.map((name) => ({ [name]: typeof auth === 'object' ? [auth.scope] : [] }))
  return auth === 'optional' ? [{}, ...any] : any
}
