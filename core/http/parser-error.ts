import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

import type { ProblemError } from '../errors.ts'
import { pathOf } from './edge.ts'
import { problemBody, problemContentType, speaksOpenAi } from './problem.ts'

/** Answers what node:http could not read as a request: there is no response object yet, or no application. */
export function answerOnSocket(socket: Duplex, problem: ProblemError): void {
  // A reply that has begun cannot be followed by another; what is written of it still goes out.
  if (hasBegunReply(socket)) return void socket.end(() => socket.destroy())
  const { body, headers } = answerOf(problem, false)
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`
  socket.end(`${status}\r\n${lines}\r\n${body}`, () => socket.destroy())
}

export function answerUnhandled(
  { url = '' }: IncomingMessage,
  response: ServerResponse,
  problem: ProblemError,
): void {
  const { body, headers } = answerOf(problem, speaksOpenAi(pathOf(url)))
  response.writeHead(problem.status, Object.fromEntries(headers)).end(body)
}

function answerOf(problem: ProblemError, openAi: boolean) {
  const requestId = randomUUID()
  const body = problemBody(problem, requestId, openAi)
  const headers: readonly (readonly [string, string])[] = [
    ['X-Request-Id', requestId],
    ['Content-Type', problemContentType(openAi)],
    ['Content-Length', String(Buffer.byteLength(body))],
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Date', new Date().toUTCString()],
    ['Connection', 'close'],
  ]
  return { body, headers }
}

/** node:http keeps the response of a socket there, and offers no other way to it. */
function hasBegunReply(socket: Duplex): boolean {
  const message = (socket as { _httpMessage?: { headersSent?: boolean } | null })._httpMessage
  return message?.headersSent === true
}
