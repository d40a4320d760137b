import type { Dispatcher } from 'undici'

/** What may wait unread before the upstream is told to pause. */
const highWaterBytes = 65_536
/** How long a finished reply may take to close, so that its connection can be used again. */
const closingMs = 500

interface Head {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
}

interface Waiter {
  readonly resolve: (step: IteratorResult<Buffer>) => void
  readonly reject: (reason: Error) => void
}

const over = { done: true, value: undefined } as const

/**
 * The bytes of a reply, straight from undici's parser: a stream in between, Node's or the web's, costs more than
 * all that is done with them. One reader; what came while it was busy is one read. Waiting for the head → open →
 * ended or failed, once.
 */
export class UpstreamBody implements Dispatcher.DispatchHandler, AsyncIterableIterator<Buffer> {
  readonly head: Promise<Head>
  readonly #signal: AbortSignal | undefined
  #begin: ((head: Head) => void) | undefined
  #refuse: (reason: Error) => void = () => undefined
  #controller: Dispatcher.DispatchController | undefined
  #unread: Buffer[] = []
  #unreadBytes = 0
  #waiter: Waiter | undefined
  #failure: Error | undefined
  #isOver = false
  #isIgnored = false
  #closing: NodeJS.Timeout | undefined

  constructor(signal: AbortSignal | undefined) {
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

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Buffer>> {
    if (this.#unread.length > 0) return Promise.resolve({ done: false, value: this.#take() })
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#isOver) return Promise.resolve(over)
    return new Promise(this.#wait)
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.destroy()
    return Promise.resolve(over)
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
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Dispatcher.ResponseData['headers'],
  ): void {
    if (status >= 200) this.#begin?.({ status, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isIgnored) return
    const waiter = this.#waiter
    if (waiter !== undefined) {
      this.#waiter = undefined
      return waiter.resolve({ done: false, value: chunk })
    }
    this.#unread.push(chunk)
    this.#unreadBytes += chunk.length
    if (this.#unreadBytes > highWaterBytes) controller.pause()
  }

  onResponseEnd(): void {
    this.#close()
    this.#waiter?.resolve(over)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error)
  }

  readonly #wait = (resolve: Waiter['resolve'], reject: Waiter['reject']) => {
    this.#waiter = { resolve, reject }
  }

  readonly #onAbort = () => this.destroy(new Error('aborted'))

  #take(): Buffer {
    const [first = Buffer.alloc(0)] = this.#unread
    const bytes = this.#unread.length === 1 ? first : Buffer.concat(this.#unread)
    this.#unread = []
    this.#unreadBytes = 0
    this.#controller?.resume()
    return bytes
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.#failure = error
    this.#close()
    this.#refuse(error)
    this.#waiter?.reject(error)
  }

  #close(): void {
    this.#isOver = true
    clearTimeout(this.#closing)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}
