import type { IncomingMessage } from 'node:http'

import type { ProblemError } from '../errors.ts'
import { HttpErrors } from './errors.ts'
import type { Limits } from './limits.ts'

const requestId = /^[A-Za-z0-9_-]{8,128}$/
const host = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
/** Printable ASCII without `#` and `%`: nothing to decode, nothing to refuse. */
const plainPath = /^\/[!-"$&->@-~]*$/
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\0-\x1f\x7f]/
const implemented = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const closing = { headers: { Connection: 'close' } }

/** The client's own id, when it is one that a log can hold. */
export function incomingId({ headers }: IncomingMessage): string | undefined {
  const id = headers['x-request-id']
  return typeof id === 'string' && requestId.test(id) ? id : undefined
}

/** The path of an origin-form or absolute-form target, still encoded; `*` stays. */
export function pathOf(url: string): string {
  const target = url.startsWith('/') ? url : withoutAuthority(url)
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

export function queryOf(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? '' : url.slice(query + 1)
}

/** RFC 9112 §3.2.2: a server must accept the absolute form. */
function withoutAuthority(url: string): string {
  const authority = /^https?:\/\/[^/?#]+/i.exec(url)?.[0]
  if (authority === undefined) return url
  const rest = url.slice(authority.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** What is wrong with a request before anybody looks for a route. */
export function findFault(
  request: IncomingMessage,
  path: string,
  limits: Limits,
): ProblemError | undefined {
  const { url = '', method = '' } = request
  if (request.httpVersionMajor !== 1) return HttpErrors.http_version(closing)
  return (
    findHostFault(request, limits) ??
    findCodingFault(request) ??
    (url.length > limits.urlBytes ? HttpErrors.uri_too_long(closing) : undefined) ??
    (plainPath.test(path) ? undefined : findPathFault(path, method)) ??
    (implemented.has(method) ? undefined : notImplemented())
  )
}

const notImplemented = () =>
  HttpErrors.method_not_implemented({ headers: { Allow: [...implemented].join(', ') } })

/** RFC 9112 §3.2: exactly one valid Host in HTTP/1.1; node:http keeps the first of several and says nothing. */
function findHostFault(
  { rawHeaders, headers, httpVersionMinor }: IncomingMessage,
  limits: Limits,
): ProblemError | undefined {
  if (rawHeaders.length > limits.headerCount * 2) return HttpErrors.too_many_headers(closing)
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') hosts++
  if (hosts === 0 && httpVersionMinor === 0) return undefined
  return hosts === 1 && host.test(headers.host ?? '') ? undefined : HttpErrors.invalid_host(closing)
}

/** Any other coding is one that a proxy before us may have read differently (RFC 9112 §6.1, request smuggling). */
function findCodingFault({ headers }: IncomingMessage): ProblemError | undefined {
  const coding = headers['transfer-encoding']
  if (coding === undefined || coding.toLowerCase() === 'chunked') return undefined
  return HttpErrors.malformed_request(closing)
}

function findPathFault(path: string, method: string): ProblemError | undefined {
  if (path === '*' && method === 'OPTIONS') return undefined
  if (!path.startsWith('/') || path.includes('#')) return HttpErrors.invalid_target(closing)
  return decodesCleanly(path) ? undefined : HttpErrors.invalid_path_encoding(closing)
}

function decodesCleanly(path: string): boolean {
  // node:http reads the target as Latin-1: a raw byte above ASCII is no URI (RFC 3986 §2).
  if (/[^ -~]/.test(path)) return false
  try {
    return !control.test(decodeURIComponent(path))
  } catch {
    return false
  }
}
