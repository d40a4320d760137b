import { impliedProblems, parserProblems } from 'autodocops'
import type { AppView, ProblemMaker, RouteFacts } from 'autodocops'
import * as z from 'zod'

/** RFC 9457, as every error of this server is answered. */
export const Problem = z
  .object({
    type: z.string().describe('`urn:autodocops:problem:<code>`'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable, snake_case'),
    detail: z.string().optional(),
    hint: z.string().optional(),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          in: z.enum(['params', 'query', 'body', 'header']),
          pointer: z.string(),
          code: z.string(),
          message: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' })

/** What OpenAI's clients parse, on `/v1`. */
export const OpenAiError = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      code: z.string().nullable(),
      param: z.string().nullable(),
    }),
  })
  .meta({ id: 'OpenAiError' })

/** Who may look at a credential, by the name of the security scheme. */
export type Schemes = ReturnType<AppView['securitySchemes']>

/** Responses by status. */
export type ResponseParts = Readonly<Record<string, { readonly content?: object }>>

/** Every error that this route can be answered with: of its handler, of who looks at its credential, of the pipeline. */
function problemsOf(route: RouteFacts, schemes: Schemes): readonly ProblemMaker[] {
  const ofSchemes = Object.values(schemes).flatMap(({ errors }) => errors)
  const found = [
    ...(route.errors ?? []),
    ...(route.auth === 'public' ? [] : ofSchemes),
    ...impliedProblems(route),
  ]
  return [...new Map(found.map((problem) => [problem.code, problem])).values()]
}

/** Which of a route's problems are its own, and not those of any route. */
const isOwn = (route: RouteFacts, { code }: ProblemMaker): boolean =>
  route.errors?.some((own) => own.code === code) ?? false

/** The error responses of a route by status, those of its handler first. */
export function problemResponses(route: RouteFacts, schemes: Schemes): ResponseParts {
  const byStatus = new Map<number, ProblemMaker[]>()
  for (const problem of problemsOf(route, schemes)) {
    const { status } = problem.kind
    byStatus.set(status, [...(byStatus.get(status) ?? []), problem])
  }
  const entries = [...byStatus].map(([status, problems]) => [
    status,
    {
      description: problems.map(({ code }) => code).join(', '),
      content: contentOf(problems, route),
      'x-own': problems.filter((problem) => isOwn(route, problem)).map(({ code }) => code),
    },
  ])
  return Object.fromEntries(entries) as ResponseParts
}

/** On `/v1` in OpenAI's envelope, and as problem details also there what is refused before the path is known. */
function contentOf(problems: readonly ProblemMaker[], route: RouteFacts) {
  const openAi = speaksOpenAi(route)
  const plain = problems.filter((problem) => !openAi || isUnread(problem))
  return {
    ...(openAi && {
      'application/json': { schema: OpenAiError, examples: referencesTo(problems, true) },
    }),
    ...(plain.length > 0 && {
      'application/problem+json': { schema: Problem, examples: referencesTo(plain, false) },
    }),
  }
}

const isUnread = ({ code }: ProblemMaker): boolean =>
  parserProblems.some((problem) => problem.code === code)

const speaksOpenAi = ({ path }: RouteFacts): boolean => path.startsWith('/v1/')

const exampleId = ({ code }: ProblemMaker, openAi: boolean): string =>
  openAi ? `v1.${code}` : code

const referencesTo = (problems: readonly ProblemMaker[], openAi: boolean) =>
  Object.fromEntries(
    problems.map((problem) => [
      problem.code,
      { $ref: `#/components/examples/${exampleId(problem, openAi)}` },
    ]),
  )

/** Each problem once, for all the responses that refer to it. */
export function problemExamples(routes: readonly RouteFacts[], schemes: Schemes) {
  const entries = routes.flatMap((route) => {
    const found = problemsOf(route, schemes)
    const openAi = speaksOpenAi(route)
    const plain = found.filter((problem) => !openAi || isUnread(problem))
    return [
      ...(openAi ? found.map((problem) => exampleEntry(problem, true)) : []),
      ...plain.map((problem) => exampleEntry(problem, false)),
    ]
  })
  return Object.fromEntries(entries)
}

const exampleEntry = (problem: ProblemMaker, openAi: boolean) =>
  [
    exampleId(problem, openAi),
    { summary: problem.kind.title, value: exampleOf(problem, openAi) },
  ] as const

const requestId = '01990f3e-7c1a-7d2b-8a52-0c3b9a1f5e77'

function exampleOf({ code, kind }: ProblemMaker, openAi: boolean): object {
  const { title, status, hint } = kind
  if (openAi) return { error: { message: title, type: openAiType(status), code, param: null } }
  const type = `urn:autodocops:problem:${code}`
  return { type, title, status, code, ...(hint !== undefined && { hint }), requestId }
}

function openAiType(status: number): string {
  if (status >= 500) return 'server_error'
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  return status === 429 ? 'rate_limit_error' : 'invalid_request_error'
}
