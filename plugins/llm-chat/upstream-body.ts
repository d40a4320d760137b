import { AsyncLocalStorage } from 'node:async_hooks'
import process from 'node:process'

import type { Dispatcher } from 'undici'

import { Source } from './source.ts'
import type { Taker } from './source.ts'

/** A read of the socket brings up to 64 KiB: a batch ends here, and the rest waits for the next pull. */
const batchBytes = 16_384
/** How long a finished reply may take to close, so that its connection can be used again. */
const closingMs = 500

interface Head {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
}

/**
 * The bytes of a reply, straight from undici's parser: a stream in between, Node's or the web's, costs more than
 * all that is done with them. One reader; what came in one read of the socket, or while it was busy, is one batch.
 * Waiting for the head → open → ended or failed, once.
 */
export class UpstreamBody extends Source<Buffer> implements Dispatcher.DispatchHandler {
  readonly head: Promise<Head>
  readonly #signal: AbortSignal | undefined
  #begin: ((head: Head) => void) | undefined
  #refuse: (reason: Error) => void = () => undefined
  #controller: Dispatcher.DispatchController | undefined
  #unread: Buffer[] = []
  #unreadBytes = 0
  #taker: Taker<Buffer> | undefined
  #failure: Error | undefined
  #isOver = false
  #isIgnored = false
  #closing: NodeJS.Timeout | undefined

  constructor(signal: AbortSignal | undefined) {
    super()
    this.#signal = signal
    this.head = new Promise((resolve, reject) => {
      this.#begin = resolve
      this.#refuse = reject
    })
    // Whoever waits for it hears of it; nobody waits yet when the signal is aborted already.
    this.head.catch(() => undefined)
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted === true) this.#onAbort()
  }

  pull(taker: Taker<Buffer>): void {
    if (this.#unread.length > 0) taker(undefined, this.#take())
    else if (this.#isOver) taker(this.#failure, undefined)
    else {
      this.#taker = taker
      this.#controller?.resume()
    }
  }

  stop(): void {
    this.destroy()
  }

  /** Closes its socket, unless all of it is here. */
  destroy(reason: Error = new Error('nobody reads this reply any more')): void {
    if (this.#isOver) return
    this.#controller?.abort(reason)
    this.#fail(reason)
  }

  /** Its reader knows enough: it may end by itself, and leave its connection to others. */
  release(): void {
    this.#isIgnored = true
    this.#unread = []
    this.#controller?.resume()
    if (!this.#isOver) this.#closing = setTimeout(() => this.destroy(), closingMs).unref()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#failure !== undefined) controller.abort(this.#failure)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Dispatcher.ResponseData['headers'],
  ): void {
    // Slices of the first read, all of which they would keep.
    Object.assign(controller, { rawHeaders: null })
    if (status >= 200) this.#begin?.({ status, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isIgnored) return
    // The rest of this read comes before the next tick.
    if (this.#taker !== undefined && this.#unread.length === 0) process.nextTick(this.#deliver)
    this.#unread.push(chunk)
    this.#unreadBytes += chunk.length
    if (this.#unreadBytes > batchBytes) controller.pause()
  }

  onResponseEnd(): void {
    this.#close()
    if (this.#unread.length === 0) this.#deliver()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  /** In the context of whoever asked: the socket has served others before. */
  readonly #deliver = AsyncLocalStorage.bind(() => {
    const taker = this.#taker
    this.#taker = undefined
    if (taker !== undefined) this.pull(taker)
  })

  readonly #onAbort = () => this.destroy(new Error('aborted'))

  #take(): Buffer {
    const [first = Buffer.alloc(0)] = this.#unread
    const bytes = this.#unread.length === 1 ? first : Buffer.concat(this.#unread)
    this.#unread = []
    this.#unreadBytes = 0
    return bytes
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#failure = error
    this.#close()
    this.#refuse(error)
    if (this.#unread.length === 0) this.#deliver()
  }

  #close(): void {
    this.#isOver = true
    clearTimeout(this.#closing)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
