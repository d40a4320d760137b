import { events, service } from 'autodocops'
import type { AnyRequest, Principal } from 'autodocops'

/** One session during one request. Writes are merged field by field with those of other requests. */
export interface Session {
  readonly principal: Principal | undefined
  readonly get: (field: string) => unknown
  /** JSON only; `undefined` takes the field away. */
  readonly set: (field: string, value: unknown) => void
  /** Always under a new id. */
  readonly login: (principal: Principal) => void
  readonly logout: () => void
}

export interface SessionInfo {
  /** Names the session to its owner; not its id. */
  readonly handle: string
  readonly createdAt: string
  readonly lastSeenAt: string
  readonly expiresAt: string
  readonly userAgent: string | null
  readonly current: boolean
}

export interface SessionService {
  /**
   * Opens the session of this request, saves it when `use` ends, and sets the cookie. When `use` throws,
   * nothing is saved. Store down: 503. A page of another site on an unsafe method: 403 `csrf`.
   */
  readonly with: <T>(request: AnyRequest, use: (session: Session) => T | Promise<T>) => Promise<T>
  /** The session that this request came with, if it is alive. */
  readonly current: (request: AnyRequest) => Promise<SessionInfo | undefined>
  /** With the request, its own session is marked as `current`. */
  readonly list: (subject: string, request?: AnyRequest) => Promise<readonly SessionInfo[]>
  /** False: no such session of theirs. */
  readonly revoke: (subject: string, handle: string) => Promise<boolean>
  /** Returns how many ended; `except` is the handle of one that stays. */
  readonly revokeAll: (subject: string, except?: string) => Promise<number>
}

export const Sessions = service('sessions').of<SessionService>()

export const SessionEvents = events<{
  'sessions:created': Record<never, never>
  'sessions:destroyed': { readonly reason: 'logout' | 'expired' | 'rotated' | 'revoked' }
  'sessions:operation-finished': {
    readonly store: 'memory' | 'redis'
    readonly operation: 'load' | 'save' | 'touch' | 'destroy'
    readonly outcome: 'ok' | 'miss' | 'expired' | 'error'
    readonly durationMs: number
  }
}>('sessions')
