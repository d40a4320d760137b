/** `gone`: the session was destroyed meanwhile. Text: somebody else wrote this meanwhile. */
export type Swap = 'swapped' | 'gone' | { readonly found: string }

/** Sessions by handle, as text, and for each subject the handles of theirs. */
export interface SessionStore {
  readonly kind: 'memory' | 'redis'
  readonly read: (handle: string) => Promise<string | undefined>
  readonly create: (handle: string, raw: string, ttlMs: number) => Promise<void>
  /** Writes only over what was read, and never brings a destroyed session back. */
  readonly swap: (handle: string, seen: string, raw: string, ttlMs: number) => Promise<Swap>
  /** False: there was none. */
  readonly destroy: (handle: string) => Promise<boolean>
  readonly enlist: (subject: string, handle: string, expiresAt: number) => Promise<void>
  readonly delist: (subject: string, handle: string) => Promise<void>
  /** Those that end first come first. */
  readonly handlesOf: (subject: string) => Promise<readonly string[]>
  /** Living sessions that somebody is logged in with. */
  readonly count: () => Promise<number>
}
