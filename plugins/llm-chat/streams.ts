import type { StreamEvent } from './events.ts'
import type { Journal } from './journal.ts'

/** An answer that is kept so that it can be read again, from where a reader lost it. */
export interface KeptStream {
  readonly id: string
  readonly owner: string
  readonly journal: Journal
  /** Somebody asked, on any instance, that it stop. */
  readonly onStop: (stop: () => void) => void
  /** Readers on this instance and on others. */
  readonly readers: () => number
  /** The journal has got more: others may read it. */
  readonly publish: () => void
  /** Its producer is through: it is kept for some minutes more. */
  readonly end: () => Promise<void>
}

export interface Streams {
  readonly keep: (id: string, owner: string) => Promise<KeptStream>
  /** `undefined`: the owner has no such stream. A stream whose producer died ends with an error event. */
  readonly follow: (
    id: string,
    owner: string,
    after: number,
    signal: AbortSignal,
  ) => Promise<AsyncIterable<readonly StreamEvent[]> | undefined>
  /** False: the owner has no such kept stream. */
  readonly stop: (id: string, owner: string) => Promise<boolean>
  /** Tells all instances, this one too, to stop an answer, kept or not. False: none of them can be told. */
  readonly tell: (id: string) => Promise<boolean>
  /** Called with the id of an answer that is to be stopped. */
  readonly onTold: (stop: (id: string) => void) => void
  /** Stores what is left of an answer whose producer is gone. */
  readonly salvage: (id: string) => Promise<void>
  readonly start: () => void
  readonly close: () => Promise<void>
}
