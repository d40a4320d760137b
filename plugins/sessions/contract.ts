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
  /** Opens the session of this request, saves it when `use` ends, and sets the cookie. Store down: 503. */
  readonly with: <T>(request: AnyRequest, use: (session: Session) => T | Promise<T>) => Promise<T>
  readonly list: (subject: string) => Promise<readonly SessionInfo[]>
  /** False: no such session of theirs. */
  readonly revoke: (subject: string, handle: string) => Promise<boolean>
  /** Returns how many ended. */
  readonly revokeAll: (subject: string) => Promise<number>
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
