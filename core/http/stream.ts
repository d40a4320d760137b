import { clearTimeout, setTimeout } from 'node:timers'

import { CoreEvents } from '../core-events.ts'
import { isProblem } from '../errors.ts'
import type { ProblemError } from '../errors.ts'
import { ClientGone } from './body.ts'
import { HttpErrors } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { problemBody, speaksOpenAi, toProblem } from './problem.ts'
import { headOf } from './respond.ts'

export interface StreamRule {
  readonly route: string
  readonly idleMs: number
  readonly totalMs: number
}

export interface StreamHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly contentType: string
}

/** What an EventSource waits before it connects again. */
const retryMs = 2_000
const retryAfterDrainMs = 1_000

/**
 * A streamed reply. Nothing is committed before the first chunk: until then an error is an ordinary problem. After
 * it: `writing` ⇄ `waiting for the socket`, until the source ends, fails, or somebody aborts (the client leaves, a
 * time is up, the server drains, the plugin stops). The source's `return()` is called at once on every early end.
 */
export class StreamReply {
  readonly #exchange: Exchange
  readonly #iterator: AsyncIterator<unknown>
  readonly #head: StreamHead
  readonly #rule: StreamRule
  #reject: ((reason: Error) => void) | undefined
  #finish: (() => void) | undefined
  #stopped: Error | undefined
  #idle: NodeJS.Timeout | undefined
  #endsInLine = ''
  #first: IteratorResult<unknown> | undefined

  constructor(
    exchange: Exchange,
    source: AsyncIterable<unknown>,
    head: StreamHead,
    rule: StreamRule,
  ) {
    this.#exchange = exchange
    this.#iterator = source[Symbol.asyncIterator]()
    this.#head = head
    this.#rule = rule
  }

  /** Throws what happens before the first byte, and only that. */
  async run(): Promise<void> {
    const { load, request } = this.#exchange
    this.#exchange.onAbort(this.#stop)
    if (!load.hasStreamRoom) throw this.#refused()
    await this.#waitFor<void>(this.#ask)
    this.#exchange.disarm()
    this.#exchange.rest()
    load.streams++
    this.#exchange.response.once('close', () => load.streams--)
    this.#begin()
    if (request.method === 'HEAD') return this.#endEarly()
    await this.#pump()
  }

  #refused(): ProblemError {
    this.#release()
    this.#exchange.options.events.emit(CoreEvents, 'http:request-shed', { reason: 'streams' })
    return HttpErrors.overloaded({ headers: { 'Retry-After': '1' } })
  }

  #begin(): void {
    const { response, options, elapsedMs } = this.#exchange
    const { status, headers, contentType } = this.#head
    this.#exchange.isStream = true
    response.writeHead(status, headOf(this.#exchange, headers, contentType))
    const payload = { route: this.#rule.route, firstByteMs: elapsedMs }
    if (options.listener === 'public')
      options.events.emit(CoreEvents, 'http:stream-started', payload)
    response.once('close', this.#tellFinished)
  }

  readonly #tellFinished = () => {
    const { options, outcome, elapsedMs } = this.#exchange
    if (options.listener !== 'public') return
    options.events.emit(CoreEvents, 'http:stream-finished', {
      route: this.#rule.route,
      outcome,
      durationMs: elapsedMs,
    })
  }

  async #pump(): Promise<void> {
    const late = () => this.#exchange.abort(HttpErrors.stream_timeout())
    this.#idle = setTimeout(late, this.#rule.idleMs)
    const total = setTimeout(late, this.#rule.totalMs)
    try {
      await this.#waitFor<void>((resolve) => {
        this.#finish = resolve
        this.#takeFirst()
      })
      this.#exchange.response.end()
    } catch (error) {
      this.#fail(error)
    } finally {
      clearTimeout(this.#idle)
      clearTimeout(total)
    }
  }

  /** One wait at a time, which `#stop` can end: a race against a long-lived promise would keep every chunk. */
  #waitFor<T>(
    start: (resolve: (value: T) => void, reject: (reason: Error) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#stopped !== undefined) return reject(this.#stopped)
      this.#reject = reject
      start(resolve, reject)
    })
  }

  readonly #ask = (resolve: () => void, reject: (reason: Error) => void) =>
    void this.#iterator.next().then((step) => {
      this.#first = step
      resolve()
    }, reject)

  /** From a field: in the frame of `run` the first chunk would live as long as the stream. */
  #takeFirst(): void {
    const first = this.#first
    this.#first = undefined
    if (first !== undefined) this.#take(first)
  }

  /** Chunk by chunk within one wait: a promise and an `await` for each would cost as much as its write. */
  readonly #take = (step: IteratorResult<unknown>) => {
    if (this.#stopped !== undefined) return
    try {
      if (step.done === true) this.#finish?.()
      else if (this.#write(step.value)) this.#pull()
      else this.#exchange.response.once('drain', this.#pull)
    } catch (error) {
      this.#broke(error)
    }
  }

  readonly #pull = () => {
    if (this.#stopped !== undefined) return
    this.#idle?.refresh()
    try {
      this.#iterator.next().then(this.#take, this.#broke)
    } catch (error) {
      this.#broke(error)
    }
  }

  readonly #broke = (error: unknown) => this.#reject?.(error as Error)

  #write(chunk: unknown): boolean {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array))
      throw new TypeError('a streamed reply yields text or bytes')
    if (chunk.length === 0) return true
    this.#endsInLine = typeof chunk === 'string' ? chunk.slice(-2) : tail(chunk)
    return this.#exchange.response.write(chunk)
  }

  readonly #stop = (reason: Error) => {
    this.#stopped = reason
    this.#reject?.(reason)
    this.#release()
  }

  /** Not awaited: a generator that waits for its upstream answers only when that does. */
  #release(): void {
    void this.#iterator.return?.().catch(() => undefined)
  }

  #endEarly(): void {
    this.#release()
    this.#exchange.response.end()
  }

  #fail(error: unknown): void {
    const { response } = this.#exchange
    const cause = this.#stopped ?? error
    if (cause instanceof ClientGone || response.destroyed) return
    const problem = toProblem(cause)
    this.#exchange.outcome = isShutdown(problem) ? 'aborted' : 'error'
    if (!isShutdown(problem)) this.#exchange.failure = cause
    if (this.#stopped === undefined) this.#release()
    if (this.#head.contentType.startsWith('text/event-stream'))
      response.end(this.#farewell(problem))
    else this.#breakOff()
  }

  /** Over HTTP/1.0 the end of the connection is the end of the body: only a reset says that there is more. */
  #breakOff(): void {
    const { request, response } = this.#exchange
    if (request.httpVersion === '1.0') response.socket?.resetAndDestroy()
    else response.destroy()
  }

  #farewell(problem: ProblemError): string {
    const { requestId, path } = this.#exchange
    const body = problemBody(problem, requestId, speaksOpenAi(path))
    const gap = this.#endsInLine === '\n\n' || this.#endsInLine === '' ? '' : '\n\n'
    const retry = isShutdown(problem) ? retryAfterDrainMs : retryMs
    return `${gap}retry: ${retry}\nevent: error\ndata: ${body}\n\n`
  }
}

const isShutdown = (problem: unknown): boolean =>
  isProblem(problem) && (problem.code === 'server_draining' || problem.code === 'plugin_stopped')

const tail = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(-2)).toString('latin1')
