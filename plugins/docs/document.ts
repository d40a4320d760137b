import type { ResponseRule, RouteFacts } from 'autodocops'
import * as z from 'zod'
import { createDocument } from 'zod-openapi'

import type { DocsConfig } from './config.ts'
import { OpenAiError, Problem, problemStatuses } from './problem-responses.ts'

type Document = ReturnType<typeof createDocument>
type Paths = NonNullable<Parameters<typeof createDocument>[0]['paths']>
type Operation = NonNullable<Paths[string]['get']>
type Examples = Record<string, { readonly summary: string; readonly value: unknown }>
type Schemes = Readonly<Record<string, { readonly scheme: object }>>

export interface DocumentOptions {
  readonly config: DocsConfig
  readonly routes: readonly RouteFacts[]
  readonly schemes: Schemes
  readonly publicUrl: string
  readonly version: string
}

/** OpenAPI 3.1 of exactly these routes, from the schemas that validate them. */
export function openApiDocument(options: DocumentOptions): Document {
  const { config, routes, schemes, publicUrl, version } = options
  const shown = routes.filter(({ hidden, listener }) => hidden !== true && listener === 'public')
  const paths: Paths = {}
  for (const route of shown) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = {
      ...paths[path],
      [route.method.toLowerCase()]: operationOf(route, Object.keys(schemes)),
    }
  }
  const tags = [...new Set(shown.flatMap(({ tags: own = [] }) => own))].toSorted()
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: config.title,
      description: config.description,
      version,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: publicUrl }],
    tags: tags.map((name) => ({ name, description: `Routes of ${name}` })),
    paths,
    components: {
      securitySchemes: Object.fromEntries(
        Object.entries(schemes).map(([name, { scheme }]) => [name, scheme as { type: 'http' }]),
      ),
    },
  })
}

function operationOf(route: RouteFacts, schemes: readonly string[]): Operation {
  const { summary, description, tags, params, query, body, method, path } = route
  const requestParams = {
    ...(params !== undefined && { path: params as z.ZodObject }),
    ...(query !== undefined && { query: query as z.ZodObject }),
  }
  return {
    operationId: operationId(method, path),
    summary,
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: [...tags] }),
    ...(Object.keys(requestParams).length > 0 && { requestParams }),
    ...(body !== undefined && { requestBody: requestBody(route) }),
    responses: { ...responsesOf(route), ...problemsOf(route) },
    security: securityOf(route, schemes),
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

function requestBody({ body, examples = [] }: RouteFacts): NonNullable<Operation['requestBody']> {
  if (body === undefined || !('schema' in body)) {
    return { required: true, content: { 'application/json': { schema: z.unknown() } } }
  }
  const shown = examples.filter((example) => example.body !== undefined)
  const named = shown.map(({ summary, body: value }, index) => [
    `example${index + 1}`,
    { summary, value },
  ])
  return {
    required: !body.schema.safeParse(undefined).success,
    content: {
      'application/json': {
        schema: body.schema,
        ...(named.length > 0 && { examples: Object.fromEntries(named) as Examples }),
      },
    },
  }
}

function responsesOf({ responses }: RouteFacts): Operation['responses'] {
  const entries = Object.entries(responses).map(([status, rule]) => {
    const { schema, description, contentType = 'application/json' } = asRule(rule)
    const types = typeof contentType === 'string' ? [contentType] : contentType
    const content = Object.fromEntries(
      types.map((type) => [mediaType(type), { schema: schema ?? z.string() }]),
    )
    const hasBody = schema !== undefined || asRule(rule).contentType !== undefined
    return [status, { description: description ?? titleOf(status), ...(hasBody && { content }) }]
  })
  return Object.fromEntries(entries) as Operation['responses']
}

const asRule = (rule: z.ZodType | ResponseRule): ResponseRule =>
  rule instanceof z.ZodType ? { schema: rule } : rule

const mediaType = (type: string): string => type.split(';')[0]?.trim() ?? type

const titleOf = (status: string): string => (status.startsWith('2') ? 'Done' : 'Answered')

function problemsOf(route: RouteFacts): Operation['responses'] {
  const isOpenAi = route.path.startsWith('/v1/')
  const type = isOpenAi ? 'application/json' : 'application/problem+json'
  const schema = isOpenAi ? OpenAiError : Problem
  const entries = [...problemStatuses(route)]
    .filter(([status]) => route.responses[status] === undefined)
    .map(([status, codes]) => [
      String(status),
      {
        description: codes.length > 0 ? codes.join(', ') : reasons[status],
        content: { [type]: { schema } },
      },
    ])
  return Object.fromEntries(entries) as Operation['responses']
}

const reasons: Readonly<Record<number, string>> = {
  400: 'The request cannot be read',
  401: 'Who asks is not known',
  403: 'The credential does not allow this',
  404: 'There is nothing here',
  405: 'The method is not allowed here',
  406: 'No representation that the Accept header allows',
  408: 'The request took too long to arrive',
  413: 'The body is too large',
  414: 'The URL is too long',
  415: 'The body is not of an accepted type',
  417: 'The expectation cannot be met',
  422: 'The body has the wrong shape',
  429: 'Too many requests',
  431: 'The headers are too large',
  500: 'Something went wrong here',
  503: 'Not now; Retry-After says when',
}

function securityOf(
  { auth }: RouteFacts,
  schemes: readonly string[],
): NonNullable<Operation['security']> {
  if (auth === 'public') return []
  const any = schemes.map((name) => ({ [name]: typeof auth === 'object' ? [auth.scope] : [] }))
  return auth === 'optional' ? [{}, ...any] : any
}
