import type { ProblemMaker } from '../errors.ts'
import type { RouteFacts } from '../route.ts'
import { HttpErrors as E } from './errors.ts'

/** Answered on the socket itself, where no path is known: as problem details on every route. */
export const parserProblems: readonly ProblemMaker[] = [
  E.malformed_request,
  E.request_timeout,
  E.headers_too_large,
  E.chunk_extensions_too_large,
]

const always = [
  E.malformed_request,
  E.invalid_host,
  E.invalid_target,
  E.invalid_path_encoding,
  E.request_timeout,
  E.uri_too_long,
  E.expectation_failed,
  E.headers_too_large,
  E.too_many_headers,
  E.internal_error,
  E.starting,
  E.plugin_unavailable,
  E.plugin_stopped,
  E.handler_timeout,
  E.server_draining,
]
const ofBody = [
  E.empty_body,
  E.body_too_large,
  E.chunk_extensions_too_large,
  E.unsupported_content_encoding,
]
const ofJson = [
  E.invalid_json,
  E.invalid_utf8,
  E.json_too_deep,
  E.json_too_many_values,
  E.forbidden_key,
  E.unsupported_media_type,
  E.invalid_body,
]

/** What the edge and the pipeline may answer to a request for this route, besides what its handler throws. */
export function impliedProblems(route: RouteFacts): readonly ProblemMaker[] {
  const { auth, limit, params, query, body, exempt } = route
  const found: readonly (readonly [isPossible: boolean, problems: readonly ProblemMaker[]])[] = [
    [true, always],
    [repliesWithBody(route), [E.not_acceptable]],
    [params !== undefined, [E.not_found]],
    [query !== undefined, [E.invalid_query]],
    [body !== undefined, ofBody],
    [body !== undefined && 'schema' in body, ofJson],
    [auth !== 'public', [E.unauthorized]],
    [typeof auth === 'object', [E.insufficient_scope]],
    [limit !== 'none', [E.rate_limited]],
    [exempt !== true, [E.overloaded]],
  ]
  return found.flatMap(([isPossible, problems]) => (isPossible ? problems : []))
}

const repliesWithBody = ({ responses }: RouteFacts): boolean =>
  Object.keys(responses).some((status) => status.startsWith('2') && status !== '204')
