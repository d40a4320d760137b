import type { IncomingMessage, ServerResponse } from 'node:http'
import { clearTimeout, setTimeout } from 'node:timers'

import type { Context } from 'koa'

import { CoreEvents } from '../core-events.ts'
import type { AbortHub } from './abort-hub.ts'
import { ClientGone, hasBody } from './body.ts'
import { clientAddress } from './client-address.ts'
import type { HttpAppOptions } from './contract.ts'
import type { Load } from './load.ts'

type Outcome = 'completed' | 'aborted' | 'error'

/** What all exchanges of one generation have in common. */
export interface Surface {
  readonly options: HttpAppOptions
  readonly createContext: (request: IncomingMessage, response: ServerResponse) => Context
  readonly drain: AbortHub
  /** What every reply carries unless it says otherwise. */
  readonly defaults: DefaultHeaders
}

export type DefaultHeaders = readonly (readonly [string, string])[]

/** A route's part in an exchange, once it is known. */
export interface Holder {
  readonly label: string
  readonly hub: AbortHub
  readonly log: HttpAppOptions['log']
  readonly leave: () => void
}

/**
 * One request and its reply, from the first look to the closed reply: its id, deadline, abort signal, context and
 * what is told of it at the end. The parts that few routes use are made when they are first asked for.
 */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly path: string
  /** Flat pairs that a stage before the reply adds to it. */
  readonly extraHeaders: string[] = []
  /** What went wrong on our side, for the log. */
  failure: unknown
  isStream = false
  /** The whole reply is out, though its end waits; a client that leaves now has got it. */
  isAnswered = false
  outcome: Outcome = 'completed'
  readonly #surface: Surface
  readonly #load: Load
  readonly #startedAt: number
  #holder: Holder | undefined
  #controller: AbortController | undefined
  #abortReason: Error | undefined
  #onAbort: ((reason: Error) => void) | undefined
  #context: Context | undefined
  #timer: NodeJS.Timeout | undefined
  #armedAt = 0
  #spentMs = 0
  #isWorking = false
  #isPatient = false
  #isClosed = false

  constructor(
    surface: Surface,
    load: Load,
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    path: string,
  ) {
    this.#surface = surface
    this.#load = load
    this.request = request
    this.response = response
    this.requestId = requestId
    this.path = path
    this.#startedAt = surface.options.clock.monotonic()
    load.inFlight++
    this.work()
    response.once('close', this.#close)
    this.#tellStarted()
  }

  get options(): HttpAppOptions {
    return this.#surface.options
  }

  get defaults(): DefaultHeaders {
    return this.#surface.defaults
  }

  get load(): Load {
    return this.#load
  }

  get ctx(): Context {
    return (this.#context ??= this.#surface.createContext(this.request, this.response))
  }

  /** Whether somebody may have set headers on the response already. */
  get hasContext(): boolean {
    return this.#context !== undefined
  }

  get ip(): string {
    return clientAddress(this.request, this.options.trustedProxies)
  }

  get elapsedMs(): number {
    return this.options.clock.monotonic() - this.#startedAt
  }

  get abortReason(): Error | undefined {
    return this.#abortReason
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#createController()
    return this.#controller.signal
  }

  /** From here on the route's plugin is held, until the reply has closed. */
  hold(holder: Holder): void {
    this.#holder = holder
  }

  /** Starts, or goes on with, the time up to the first byte. */
  arm(timeoutMs: number, onLate: () => void): void {
    if (this.#timer !== undefined) return
    this.#armedAt = this.elapsedMs
    this.#timer = setTimeout(onLate, Math.max(1, timeoutMs - this.#spentMs))
  }

  /** The time does not run while the client sends. */
  disarm(): void {
    if (this.#timer === undefined) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#spentMs += this.elapsedMs - this.#armedAt
  }

  /** We are busy with it; {@link rest}: the client is, with its body or with reading our reply. */
  work(): void {
    if (this.#isWorking || this.#isClosed) return
    this.#isWorking = true
    this.#load.working++
  }

  rest(): void {
    if (!this.#isWorking) return
    this.#isWorking = false
    this.#load.working--
  }

  /** A route may be silent for longer than a socket: until the reply begins, the socket waits for the route. */
  bePatient(waitMs: number): void {
    this.#isPatient = true
    this.request.socket.setTimeout(waitMs)
  }

  /** The reply goes out; from now on only the client can be slow. */
  beginReply(): void {
    this.rest()
    this.disarm()
    if (this.#isPatient) this.request.socket.setTimeout(this.options.limits.socketIdle)
  }

  /** Ends the work early; `stop` of a stream is told first, so that it can say goodbye. */
  abort(reason: Error): void {
    if (this.#abortReason !== undefined) return
    this.#abortReason = reason
    this.#onAbort?.(reason)
    this.#controller?.abort(reason)
  }

  /** A stream listens to aborts from now on, whether its handler looked at the signal or not. */
  onAbort(stop: (reason: Error) => void): void {
    void this.signal
    this.#onAbort = stop
    if (this.#abortReason !== undefined) stop(this.#abortReason)
  }

  #createController(): AbortController {
    const controller = new AbortController()
    if (this.#abortReason !== undefined) controller.abort(this.#abortReason)
    this.#surface.drain.add(this)
    this.#holder?.hub.add(this)
    return controller
  }

  #tellStarted(): void {
    const { events, listener } = this.options
    if (listener === 'public') events.emit(CoreEvents, 'http:request-started', {})
  }

  readonly #close = () => {
    this.#isClosed = true
    this.disarm()
    this.rest()
    this.#load.inFlight--
    const isAborted =
      !this.isAnswered && !this.response.writableFinished && this.outcome === 'completed'
    if (isAborted) {
      this.outcome = 'aborted'
      this.abort(new ClientGone())
    }
    if (this.#controller !== undefined) {
      this.#surface.drain.delete(this)
      this.#holder?.hub.delete(this)
    }
    this.#tellFinished(isAborted ? 499 : this.response.statusCode)
    this.#holder?.leave()
    this.#awaitRest()
  }

  /** A body that nobody read is thrown away as it comes, on Deno for as long as a client cares to send it. */
  #awaitRest(): void {
    const { request, options } = this
    if (request.complete || request.socket.destroyed || !hasBody(request)) return
    const late = setTimeout(() => request.socket.destroy(), options.limits.requestTimeout).unref()
    const over = () => clearTimeout(late)
    request.once('end', over).once('close', over)
  }

  #tellFinished(status: number): void {
    const { options, outcome, elapsedMs } = this
    const route = this.#holder?.label ?? '__unmatched__'
    const method = this.request.method ?? ''
    this.#writeAccessLine(method, route, status, elapsedMs)
    if (options.listener !== 'public') return
    options.events.emit(CoreEvents, 'http:request-finished', {
      method,
      route,
      status,
      durationMs: elapsedMs,
      streamed: this.isStream,
      outcome: status >= 500 ? 'error' : outcome,
    })
  }

  #writeAccessLine(method: string, route: string, status: number, elapsedMs: number): void {
    const { requestId, failure } = this
    const log = this.#holder?.log ?? this.options.log
    const durationMs = Math.round(elapsedMs * 1_000) / 1_000
    const fields = { requestId, method, route, status, durationMs }
    if (failure === undefined) return log.info(fields, 'request')
    log.error({ ...fields, err: failure }, 'request failed')
  }
}
