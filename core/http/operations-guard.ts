import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import type { ProblemError } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { HttpErrors } from './errors.ts'

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * Who may use the operations listener: those with `server.operationsToken`. On the loopback, a page in the browser of
 * the same machine is kept out as well: it sends an `Origin`, or a `Host` that its own name server points at us.
 */
export class OperationsGuard {
  readonly #token: Buffer | undefined
  readonly #isLoopback: boolean

  constructor(token: Secret | undefined, isLoopback: boolean) {
    this.#token = token && digest(`Bearer ${token.reveal()}`)
    this.#isLoopback = isLoopback
  }

  refusal({ headers }: IncomingMessage): ProblemError | undefined {
    const isForeign = headers.origin !== undefined || !loopbackHost.test(headers.host ?? '')
    if (this.#isLoopback && isForeign) return HttpErrors.origin_refused()
    if (this.#token === undefined) return this.#isLoopback ? undefined : unauthorized()
    // Digests have one length, so that comparing them takes one time.
    const isRight = timingSafeEqual(digest(headers.authorization ?? ''), this.#token)
    return isRight ? undefined : unauthorized()
  }
}

const unauthorized = () =>
  HttpErrors.unauthorized({ headers: { 'WWW-Authenticate': 'Bearer realm="operations"' } })
