import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

import type { Logger } from '../log.ts'
import { HttpErrors } from './errors.ts'
import type { HttpApp } from './contract.ts'
import type { Limits } from './limits.ts'
import { Load } from './load.ts'
import { answerOnSocket, answerUnhandled } from './parser-error.ts'

/** Our own 408 for a slow body comes first; node's is for a body that nobody reads. */
const backstopMs = 2_000

/**
 * One address that is listened on, for the whole life of the process. Generations come and go behind it: `use` is the
 * swap, one assignment, which open connections do not notice.
 *
 * Its end has stages, each of which may be skipped: `stopAccepting` → `closeIdle` → `closeAll`.
 */
export class Listener {
  readonly load: Load
  readonly #server: Server
  readonly #log: Logger
  #app: HttpApp | undefined

  constructor(limits: Limits, log: Logger) {
    this.load = new Load(limits)
    this.#log = log
    this.#server = createServer({
      connectionsCheckingInterval: limits.checkInterval,
      insecureHTTPParser: false,
      // As in Node 20; later ones let 64 KiB wait for each reader that takes nothing.
      highWaterMark: 16_384,
      // Node's own refusal has no body; the edge looks for it.
      requireHostHeader: false,
    })
    this.configure(limits)
    this.#answerEverything()
  }

  /**
   * Other limits, while it listens. Deadlines of headers and requests hold at once for every connection, the rest for
   * new ones; node reads `checkInterval` when it begins to listen, and never again.
   */
  configure(limits: Limits): void {
    this.load.configure(limits)
    Object.assign(this.#server, {
      maxHeaderSize: limits.headerBytes,
      // Node would drop headers over this count and say nothing; the edge counts them.
      maxHeadersCount: 0,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout + backstopMs,
      keepAliveTimeout: limits.keepAlive,
      maxConnections: limits.connections,
      timeout: limits.socketIdle,
    })
  }

  /** The atomic swap. */
  use(app: HttpApp): void {
    this.#app = app
  }

  listen(where: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(where, () => {
        this.#server.off('error', reject)
        this.load.start()
        resolve(this.address)
      })
    })
  }

  get address(): AddressInfo {
    const address = this.#server.address()
    if (address === null || typeof address === 'string')
      throw new Error('the listener has no address')
    return address
  }

  /** Requests whose reply has not closed, streams included. */
  get inFlight(): number {
    return this.load.inFlight
  }

  /** No new connections. Resolves when the last one is gone. */
  stopAccepting(): Promise<void> {
    this.load.stop()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  /** Connections without a request. */
  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  /** Whatever is left. */
  closeAll(): void {
    this.#server.closeAllConnections()
  }

  #answerEverything(): void {
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      if (this.#app === undefined) return answerUnhandled(request, response, HttpErrors.starting())
      this.#app.handle(request, response, this.load)
    }
    this.#server.on('request', handle)
    // The pipeline says `100 Continue` when it is about to read, so that a refusal comes before the body.
    this.#server.on('checkContinue', handle)
    this.#server.on('checkExpectation', (request, response) =>
      answerUnhandled(request, response, HttpErrors.expectation_failed()),
    )
    this.#server.on('connect', (_request: IncomingMessage, socket: Duplex) =>
      answerOnSocket(socket, HttpErrors.method_not_implemented()),
    )
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket))
  }

  #onClientError(error: ParserError, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
    this.#log.debug({ reason: error.code }, 'a request could not be read')
    answerOnSocket(socket, problemOf(error))
  }
}

interface ParserError extends Error {
  readonly code?: string
  readonly reason?: string
}

function problemOf({ code, reason = '' }: ParserError) {
  if (code === 'HPE_HEADER_OVERFLOW') return HttpErrors.headers_too_large()
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return HttpErrors.request_timeout()
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return HttpErrors.chunk_extensions_too_large()
  // A bare line feed after a good version has the same code.
  if (code === 'HPE_INVALID_VERSION' && !reason.includes('CRLF')) return HttpErrors.http_version()
  return HttpErrors.malformed_request()
}
