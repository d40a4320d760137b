import { parseChunk } from './chunk.ts'
import { ModelFailure } from './failure.ts'
import type { Delta } from './model.ts'
import { Source } from './source.ts'
import type { Taker } from './source.ts'
import { SseScanner } from './sse.ts'
import type { UpstreamBody } from './upstream-body.ts'
import type { UpstreamResponse } from './upstream-fetch.ts'

/** The chunks of one streamed reply; one batch is what one read brought. */
export class AnswerStream extends Source<readonly Delta[]> {
  readonly #ask: () => Promise<UpstreamResponse>
  readonly #reading: StreamReading
  readonly #signal: AbortSignal
  #body: UpstreamBody | undefined
  #taker: Taker<readonly Delta[]> = () => undefined
  #isOver = false

  constructor(ask: () => Promise<UpstreamResponse>, reading: StreamReading, signal: AbortSignal) {
    super()
    this.#ask = ask
    this.#reading = reading
    this.#signal = signal
  }

  pull(taker: Taker<readonly Delta[]>): void {
    this.#taker = taker
    if (this.#isOver) taker(undefined, undefined)
    else if (this.#body === undefined) void this.#open()
    else this.#body.pull(this.#read)
  }

  /** Closes the upstream's socket. */
  stop(): void {
    this.#isOver = true
    this.#body?.destroy()
  }

  async #open(): Promise<void> {
    try {
      const { source, headers } = await this.#ask()
      this.#body = source
      const isPlain = /^(identity)?$/i.test(headers.get('content-encoding') ?? '')
      if (!isPlain || !/^text\/event-stream\b/i.test(headers.get('content-type') ?? ''))
        throw new ModelFailure('bad_response')
    } catch (error) {
      return this.#fail(error)
    }
    this.#body.pull(this.#read)
  }

  readonly #read: Taker<Buffer> = (failure, bytes) => {
    if (failure !== undefined) return this.#fail(failure)
    let deltas: readonly Delta[]
    try {
      deltas = bytes === undefined ? this.#reading.end() : this.#reading.push(bytes)
    } catch (error) {
      return this.#fail(error)
    }
    if (this.#reading.isDone) this.#finish()
    if (deltas.length > 0) this.#taker(undefined, deltas)
    else this.pull(this.#taker)
  }

  #fail(error: unknown): void {
    this.#isOver = true
    this.#body?.destroy()
    // After the headers every fault of the socket means the same, whatever the runtime calls it.
    this.#taker(error instanceof ModelFailure ? error : broken(this.#signal), undefined)
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
  readonly #choices: number
  readonly #ended = new Set<number>()
  isDone = false

  constructor(choices: number, requireFinish: boolean) {
    this.#choices = choices
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
      if (event === 'ping') continue
      const chunk = parseChunk(data)
      for (const index of chunk.ended) this.#ended.add(index)
      deltas.push(chunk)
    }
    return deltas
  }

  /** The stream has ended, by `[DONE]` or by its socket; without every finish it only broke off. */
  end(): Delta[] {
    if (this.#ended.size < this.#choices && this.#requireFinish)
      throw new ModelFailure('disconnected')
    this.isDone = true
    return []
  }
}
