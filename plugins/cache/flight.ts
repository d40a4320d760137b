import type { Policy } from './policy.ts'
import type { Factory } from './source.ts'
import type { Item } from './store-memory.ts'

/** `oversize`: made, and too large to be kept. */
export type Origin = 'memory' | 'redis' | 'stale' | 'made' | 'oversize'

export interface Outcome {
  readonly origin: Origin
  /** `undefined`: the factory skipped a value that is not JSON. */
  readonly json: string | undefined
  /** When it stands in the cache. */
  readonly item: Item | undefined
}

/** A value that is wanted. */
export interface Job {
  readonly key: string
  readonly namespace: string
  readonly policy: Policy
  readonly factory: Factory<unknown>
}

export const standing = (origin: Origin, item: Item): Outcome => ({ origin, json: item.json, item })

/** One look, and one call of a factory, for all who want the value meanwhile. */
export class Flight {
  /** What is invalidated after it must not be kept. */
  mark: number
  readonly job: Job
  readonly looked: Promise<void>
  readonly outcome: Promise<Outcome>
  #stale: Item | undefined
  #endLook: () => void = () => {}

  constructor(job: Job, mark: number, fly: (flight: Flight) => Promise<Outcome>) {
    this.job = job
    this.mark = mark
    this.looked = new Promise((resolve) => (this.#endLook = resolve))
    this.outcome = fly(this)
    // Nobody may be waiting any more; whoever is gets the error.
    this.outcome.catch(() => this.#endLook())
  }

  /** What may be served instead; known once `looked` is through. */
  get stale(): Item | undefined {
    return this.#stale
  }

  /** It was invalidated after the look: whoever joins from now on must not get it. */
  dropStale(): void {
    this.#stale = undefined
  }

  endLook(stale: Item | undefined): void {
    this.#stale = stale
    this.#endLook()
  }
}
