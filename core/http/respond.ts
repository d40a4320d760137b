import { validateHeaderName, validateHeaderValue } from 'node:http'
import { clearTimeout, setTimeout } from 'node:timers'

import type { ProblemError } from '../errors.ts'
import { isReply } from '../route.ts'
import type { Reply } from '../route.ts'
import { hasBody } from './body.ts'
import type { Exchange } from './exchange.ts'
import { problemBody, problemContentType, speaksOpenAi } from './problem.ts'

type HeaderValue = string | readonly string[]
type ReplyHeaders = Readonly<Record<string, HeaderValue>>

/** How long, and up to which size, the rest of a refused body is swallowed so that the client reads our reply. */
const lingerMs = 500
const smallBody = 65_536

export interface Payload {
  readonly status: number
  readonly contentType: string | undefined
  readonly headers: ReplyHeaders
  readonly data: string | Uint8Array | undefined
}

/** A handler's result as a reply: the body alone is 200, nothing is 204. */
export function asReply(result: unknown): Pick<Reply, 'status' | 'body' | 'headers'> {
  if (!isReply(result))
    return { status: result === undefined ? 204 : 200, body: result, headers: {} }
  const { status } = result
  if (Number.isInteger(status) && status >= 200 && status <= 599) return result
  throw new RangeError(`a handler replied with the status ${String(status)}`)
}

export const isStream = (body: unknown): body is AsyncIterable<unknown> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

export const plainText = 'text/plain; charset=utf-8'

/** Text and bytes go out as they are; anything else as JSON. */
export function payloadOf(reply: ReturnType<typeof asReply>, type: string | undefined): Payload {
  const { status, body, headers } = reply
  if (body === undefined) return { status, headers, contentType: undefined, data: undefined }
  if (typeof body === 'string')
    return { status, headers, contentType: type ?? plainText, data: body }
  if (body instanceof Uint8Array)
    return { status, headers, contentType: type ?? 'application/octet-stream', data: body }
  const contentType = 'application/json; charset=utf-8'
  return { status, headers, contentType, data: JSON.stringify(body) }
}

export function send(exchange: Exchange, { status, contentType, headers, data }: Payload): void {
  const { response } = exchange
  const isBodiless = status === 204 || status === 304
  const head = headOf(exchange, headers, isBodiless ? undefined : contentType)
  if (!isBodiless)
    head.push('Content-Length', String(data === undefined ? 0 : Buffer.byteLength(data)))
  const closes = head.includes('Connection')
  const isCut = hasUnreadBody(exchange, closes)
  if (isCut && !closes) head.push('Connection', 'close')
  exchange.beginReply()
  response.writeHead(status, head)
  if (isCut) return endAfterSwallowing(exchange, isBodiless ? undefined : data)
  response.end(isBodiless ? undefined : data)
}

export function sendProblem(exchange: Exchange, problem: ProblemError): void {
  const openAi = speaksOpenAi(exchange.path)
  send(exchange, {
    status: problem.status,
    contentType: problemContentType(openAi),
    headers: withChallenge(problem),
    data: problemBody(problem, exchange.requestId, openAi),
  })
}

/** RFC 9110 §15.5.2: a 401 must say how to come back. */
function withChallenge({ status, headers }: ProblemError): ReplyHeaders {
  if (status !== 401 || hasName(Object.keys(headers), 'www-authenticate')) return headers
  return { ...headers, 'WWW-Authenticate': 'Bearer error="invalid_token"' }
}

/** Flat pairs: what node:http writes fastest. */
export function headOf(
  exchange: Exchange,
  own: ReplyHeaders,
  contentType: string | undefined,
): string[] {
  const head = ['X-Request-Id', exchange.requestId, ...exchange.extraHeaders]
  const names = Object.keys(own)
  const isPlain = names.length === 0 && !exchange.hasContext
  for (const [name, value] of exchange.defaults)
    if (isPlain || !isSet(exchange, names, name)) head.push(name, value)
  for (const name of names) pushHeader(head, name, own[name] ?? '')
  if (contentType !== undefined && !isSet(exchange, names, 'Content-Type'))
    head.push('Content-Type', contentType)
  if (exchange.options.isDraining() && own['Connection'] === undefined)
    head.push('Connection', 'close')
  return head
}

/** Looked at here, since not every runtime looks at what `writeHead` is given. */
function pushHeader(head: string[], name: string, value: HeaderValue): void {
  validateHeaderName(name)
  for (const one of typeof value === 'string' ? [value] : value) {
    validateHeaderValue(name, one)
    head.push(name, one)
  }
}

/** By the reply itself, or through the Koa context. */
function isSet(exchange: Exchange, names: readonly string[], name: string): boolean {
  if (hasName(names, name.toLowerCase())) return true
  return exchange.hasContext && exchange.response.hasHeader(name)
}

const hasName = (names: readonly string[], lower: string): boolean =>
  names.some((name) => name.toLowerCase() === lower)

/**
 * A small one is already here, and node:http throws it away by itself. Whoever waits for `100 Continue` may send it
 * or not (RFC 9110 §10.1.1): what comes next could be taken for it.
 */
function hasUnreadBody({ request }: Exchange, closes: boolean): boolean {
  if (request.complete || !hasBody(request)) return false
  if (closes || request.headers.expect !== undefined) return true
  const length = request.headers['content-length']
  return length === undefined || Number(length) > smallBody
}

/** Closing while the client still sends would reset the connection, and our reply with it (RFC 9112 §9.6). */
function endAfterSwallowing(exchange: Exchange, data: Payload['data']): void {
  const { request, response } = exchange
  exchange.isAnswered = true
  const end = () => {
    clearTimeout(timer)
    if (!response.writableEnded) response.end()
  }
  const timer = setTimeout(end, lingerMs)
  if (data !== undefined) response.write(data)
  request.once('end', end).once('close', end).resume()
}
