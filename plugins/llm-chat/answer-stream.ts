import { parseChunk } from './chunk.ts'
import { ModelFailure } from './failure.ts'
import type { Delta } from './model.ts'
import { SseScanner } from './sse.ts'
import type { UpstreamBody } from './upstream-body.ts'
import type { UpstreamResponse } from './upstream-fetch.ts'

type Step = IteratorResult<readonly Delta[]>

const over = { done: true, value: undefined } as const

/**
 * The chunks of one streamed reply; one batch is what one read brought. Promises are chained by hand here and in
 * the stages behind it: an async function at each of them costs half as much as the bytes themselves.
 */
export class AnswerStream implements AsyncIterableIterator<readonly Delta[]> {
  readonly #ask: () => Promise<UpstreamResponse>
  readonly #reading: StreamReading
  readonly #signal: AbortSignal
  #body: UpstreamBody | undefined
  #isOver = false

  constructor(ask: () => Promise<UpstreamResponse>, reading: StreamReading, signal: AbortSignal) {
    this.#ask = ask
    this.#reading = reading
    this.#signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Step> {
    if (this.#isOver) return Promise.resolve(over)
    return this.#body === undefined ? this.#open() : this.#read(this.#body)
  }

  /** Closes the upstream's socket. */
  return(): Promise<Step> {
    this.#isOver = true
    this.#body?.destroy()
    return Promise.resolve(over)
  }

  async #open(): Promise<Step> {
    try {
      const { source, headers } = await this.#ask()
      this.#body = source
      if (!/^text\/event-stream\b/i.test(headers.get('content-type') ?? ''))
        throw new ModelFailure('bad_response')
      return this.#read(source)
    } catch (error) {
      return this.#broke(error)
    }
  }

  #read(body: UpstreamBody): Promise<Step> {
    return body.next().then(this.#take, this.#broke)
  }

  readonly #take = ({ done, value }: IteratorResult<Uint8Array>): Step | Promise<Step> => {
    try {
      const deltas = done === true ? this.#reading.end() : this.#reading.push(value)
      if (this.#reading.isDone) this.#finish()
      return deltas.length > 0 ? { done: false, value: deltas } : this.next()
    } catch (error) {
      return this.#broke(error)
    }
  }

  readonly #broke = (error: unknown): never => {
    this.#isOver = true
    this.#body?.destroy()
    // After the headers every fault of the socket means the same, whatever the runtime calls it.
    throw error instanceof ModelFailure ? error : broken(this.#signal)
  }

  /** It may close by itself and leave its connection to others. */
  #finish(): void {
    this.#isOver = true
    this.#body?.release()
  }
}

export const broken = (signal: AbortSignal) =>
  new ModelFailure(signal.aborted ? 'aborted' : 'disconnected')

/** What one reply brought so far. */
export class StreamReading {
  readonly #scanner = new SseScanner()
  readonly #requireFinish: boolean
  #unfinished: number
  isDone = false

  constructor(choices: number, requireFinish: boolean) {
    this.#unfinished = choices
    this.#requireFinish = requireFinish
  }

  push(bytes: Uint8Array): Delta[] {
    const deltas: Delta[] = []
    for (const { event, data } of this.#scanner.push(bytes)) {
      if (data === '[DONE]') {
        this.end()
        break
      }
      if (event === 'error') throw new ModelFailure('failed')
      const delta = parseChunk(data)
      if (delta.finish !== undefined) this.#unfinished -= 1
      deltas.push(delta)
    }
    return deltas
  }

  /** The stream has ended, by `[DONE]` or by its socket; without every finish it only broke off. */
  end(): Delta[] {
    if (this.#unfinished > 0 && this.#requireFinish) throw new ModelFailure('disconnected')
    this.isDone = true
    return []
  }
}
