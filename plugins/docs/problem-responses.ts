import type { ProblemMaker, RouteFacts } from 'autodocops'
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

/** What the pipeline itself may answer before and after the handler. */
const always = [400, 404, 405, 408, 414, 431, 500, 503] as const
const withBody = [413, 415, 422] as const

/** Every status of an error that this route can answer, with its codes. */
export function problemStatuses(route: RouteFacts): ReadonlyMap<number, readonly string[]> {
  const own = (route.errors ?? []).map(
    ({ code, kind }: ProblemMaker) => [kind.status, code] as const,
  )
  const statuses = new Map<number, string[]>()
  for (const status of implied(route)) statuses.set(status, [])
  for (const [status, code] of own) statuses.set(status, [...(statuses.get(status) ?? []), code])
  return new Map([...statuses].toSorted(([a], [b]) => a - b))
}

const implied = ({ auth, limit, body, method }: RouteFacts): readonly number[] => [
  ...always,
  406,
  ...(auth === 'public' ? [] : [401, 403]),
  ...(limit === 'none' ? [] : [429]),
  ...(body === undefined ? [] : withBody),
  ...(method === 'GET' ? [] : [417]),
]
