import { isProblem } from '../errors.ts'
import type { ProblemError } from '../errors.ts'
import { HttpErrors } from './errors.ts'

/** Whatever was thrown as a problem: foreign errors, whose status and headers mean nothing here, are a 500. */
export const toProblem = (error: unknown): ProblemError =>
  isProblem(error) ? error : HttpErrors.internal_error({ cause: error })

/** `/v1/*` answers in OpenAI's envelope, since its clients parse that. */
export const speaksOpenAi = (path: string): boolean => path.startsWith('/v1/')

export const problemContentType = (openAi: boolean): string =>
  openAi ? 'application/json; charset=utf-8' : 'application/problem+json'

export const problemBody = (problem: ProblemError, requestId: string, openAi: boolean): string =>
  JSON.stringify(openAi ? openAiEnvelope(problem) : problemDetails(problem, requestId))

/** RFC 9457. At 500 and above the detail goes to the log only. */
function problemDetails(problem: ProblemError, requestId: string) {
  const { code, status, title, detail, hint, errors } = problem
  return {
    type: `urn:autodocops:problem:${code}`,
    title,
    status,
    code,
    detail: status < 500 ? detail : undefined,
    hint,
    requestId,
    errors,
  }
}

function openAiEnvelope(problem: ProblemError) {
  const { code, status, title, detail, errors } = problem
  const first = errors?.[0]
  const message =
    status < 500 ? [title, first?.message ?? detail].filter(Boolean).join(': ') : title
  const param = first?.pointer.slice(1).replaceAll('/', '.')
  return { error: { message, type: openAiType(status), code, param: param || null } }
}

function openAiType(status: number): string {
  if (status >= 500) return 'server_error'
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return 'invalid_request_error'
}
