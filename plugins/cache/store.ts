import type { Message } from './message.ts'

/** `undefined`: nobody answered. */
export type Answer<T> = { readonly value: T } | undefined

/** A text and, monotonic, when Redis forgets it. */
export interface Kept {
  readonly text: string
  readonly until: number
}

/**
 * The tier that all instances share. Keys are those of keys.ts. Every change is announced on the bus by the
 * same command that makes it. Nothing here throws.
 */
export interface RemoteStore {
  /** Whether all of it answers. */
  readonly isUp: boolean
  /** Whether the server of that key answers, as far as is known. */
  readonly reaches: (key: string) => boolean
  readonly read: (key: string) => Promise<Answer<Kept | null>>
  /** What stands there now, and whether the lease for making it anew is ours. */
  readonly acquire: (
    key: string,
    token: string,
    ms: number,
  ) => Promise<Answer<{ readonly kept: Kept | null; readonly isHeld: boolean }>>
  /** Ends the lease. False: it was not ours any more, and nothing was stored. */
  readonly store: (key: string, token: string, text: string, ms: number) => Promise<Answer<boolean>>
  readonly release: (key: string, token: string) => Promise<Answer<unknown>>
  readonly write: (key: string, text: string, ms: number) => Promise<Answer<unknown>>
  readonly remove: (key: string) => Promise<Answer<unknown>>
  readonly expire: (key: string) => Promise<Answer<unknown>>
  readonly peekToken: (tag: string) => Promise<Answer<string | null>>
  /** The tag's token; `fresh` becomes it when there is none. */
  readonly token: (tag: string, fresh: string) => Promise<Answer<string>>
  readonly turn: (tag: string, fresh: string, how: 'hard' | 'soft') => Promise<Answer<string>>
  /** All entries whose key begins so; answers how many there were. */
  readonly clear: (namespace: string) => Promise<Answer<number>>
  readonly publish: (message: Message) => Promise<Answer<unknown>>
}
