import type { ShedReason } from '../core-events.ts'
import { heapFullness } from './heap.ts'
import type { Limits } from './limits.ts'
import { Turns } from './turns.ts'

/** Lag with next to nothing in flight is somebody else's work: refusing requests would not help. */
const fewRequests = 16
const samplingMs = 20
const heapEverySamples = 25

/** How busy a listener is. Shedding keeps the accepted requests fast when more come than can be done. */
export class Load {
  /** Requests whose reply has not closed. */
  inFlight = 0
  /** Those that we work on: not the ones that wait for their client, who would otherwise shut out all others. */
  working = 0
  streams = 0
  /** For what takes long without a wait. */
  readonly turns = new Turns()
  #limits: Limits
  #timer: NodeJS.Timeout | undefined
  #lateSamples = 0
  #samples = 0
  #isHeapFull = false

  constructor(limits: Limits) {
    this.#limits = limits
  }

  configure(limits: Limits): void {
    this.#limits = limits
  }

  start(): void {
    let expected = performance.now() + samplingMs
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#sample(now - expected)
      expected = now + samplingMs
    }, samplingMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Why a request should be refused now, if it should. */
  get shedding(): ShedReason | undefined {
    if (this.working > this.#limits.inFlight) return 'in_flight'
    if (this.#lateSamples >= 2 && this.working > fewRequests) return 'event_loop'
    return this.#isHeapFull && this.working > 1 ? 'heap' : undefined
  }

  get hasStreamRoom(): boolean {
    return this.streams < this.#limits.streams
  }

  #sample(lagMs: number): void {
    this.#lateSamples = lagMs > this.#limits.eventLoopLag ? this.#lateSamples + 1 : 0
    if (this.#samples++ % heapEverySamples === 0)
      this.#isHeapFull = heapFullness() > this.#limits.heapRatio
  }
}
