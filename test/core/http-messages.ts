import { Buffer } from 'node:buffer'

import type { RawReply } from './http-fixture.ts'

/** A request as bytes, and the reply that it must get. */
export interface Case {
  readonly send: string | Buffer
  readonly status: number
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON pointers of `errors`. */
  readonly pointers?: readonly string[]
  /** Where Deno's parser differs. */
  readonly deno?: { readonly status: number; readonly code?: string }
  readonly check?: (reply: RawReply) => void
}

export const get = (target: string, ...headers: string[]) =>
  ['GET ' + target + ' HTTP/1.1', 'Host: a', ...headers, '', ''].join('\r\n')
export const line = (start: string, ...headers: string[]) =>
  [start, 'Host: a', ...headers, '', ''].join('\r\n')

export function post(
  body: string | Buffer,
  headers: readonly string[] = [],
  path = '/items',
): Buffer {
  const type = headers.some((header) => /^content-type/i.test(header))
    ? []
    : ['Content-Type: application/json']
  const length = `Content-Length: ${Buffer.byteLength(body)}`
  const head = ['POST ' + path + ' HTTP/1.1', 'Host: a', length, ...type, ...headers, '', '']
  return Buffer.concat([Buffer.from(head.join('\r\n')), Buffer.from(body)])
}
export const chunked = (body: string, ...headers: string[]) =>
  line(
    'POST /items HTTP/1.1',
    'Content-Type: application/json',
    'Transfer-Encoding: chunked',
    ...headers,
  ) + body
export const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  )
