import type { IncomingMessage } from 'node:http'

import { scan } from 'secure-json-parse'

import type { ProblemError } from '../errors.ts'
import { HttpErrors } from './errors.ts'
import { requireModest } from './json-extent.ts'
import { jsonFault } from './json-fault.ts'

/** The client went away before the end of its body: nobody is left to be answered. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone'
}

export interface BodyLimits {
  readonly maxBytes: number
  readonly maxDepth: number
  readonly maxValues: number
  readonly timeoutMs: number
}

const jsonType =
  /^application\/(?:[\w.+-]+\+)?json[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?([\w-]+)"?[ \t]*)?$/i
const closing = { Connection: 'close' }
/** What is larger is parsed and handled in a turn of its own: each costs a millisecond and more. */
const largeBytes = 16_384

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')

/** The value, or `undefined` when there is no body at all. `turn` is waited for before a large one is parsed. */
export async function readJson(
  request: IncomingMessage,
  limits: BodyLimits,
  onAccepted: () => void,
  turn: () => Promise<void>,
): Promise<unknown> {
  if (!hasBody(request)) return undefined
  const charset = jsonType.exec(request.headers['content-type'] ?? '')
  if (charset === null || (charset[1] ?? 'utf-8').toLowerCase() !== 'utf-8')
    throw HttpErrors.unsupported_media_type({ headers: { Accept: 'application/json' } })
  const bytes = await readBytes(request, limits, onAccepted)
  if (bytes.length > largeBytes) await turn()
  return bytes.length === 0 ? undefined : parseJson(bytes, limits)
}

/** `onAccepted` is where a client that waits for `100 Continue` gets it. */
export function readBytes(
  request: IncomingMessage,
  { maxBytes, timeoutMs }: BodyLimits,
  onAccepted: () => void,
): Promise<Buffer> {
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw HttpErrors.unsupported_content_encoding({ headers: { 'Accept-Encoding': 'identity' } })
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  onAccepted()
  return collect(request, maxBytes, timeoutMs)
}

function collect(request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (act: () => void) => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone)
      act()
    }
    const refuse = (problem: ProblemError) => {
      // Not a byte more is read; the socket ends with the reply.
      request.pause()
      settle(() => reject(problem))
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) return refuse(tooLarge(maxBytes))
      chunks.push(chunk)
    }
    const onEnd = () =>
      settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
    const onGone = () => settle(() => reject(new ClientGone()))
    const late = () => refuse(HttpErrors.request_timeout({ headers: closing }))
    const timer = setTimeout(late, timeoutMs)
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone)
  })
}

const tooLarge = (max: number) => HttpErrors.body_too_large({ max }, { headers: closing })

const decoder = () => new TextDecoder('utf-8', { fatal: true })
const suspicious = /__proto__|constructor|\\u/

function parseJson(bytes: Buffer, limits: BodyLimits): unknown {
  requireModest(bytes, limits)
  const text = decode(bytes)
  const value = parse(text)
  // The keys may be written with escapes, hence `\u`.
  if (suspicious.test(text)) refuseForbiddenKeys(value)
  return value
}

function decode(bytes: Buffer): string {
  try {
    return decoder().decode(bytes)
  } catch {
    throw HttpErrors.invalid_utf8()
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw HttpErrors.invalid_json({ detail: jsonFault(text) })
  }
}

function refuseForbiddenKeys(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  try {
    scan(value as Record<string, unknown>, { protoAction: 'error', constructorAction: 'error' })
  } catch {
    throw HttpErrors.forbidden_key()
  }
}
