import { events, service } from 'autodocops'
import type { Principal } from 'autodocops'

export interface AuthService {
  /** A token of ours, signed with `JWT_SECRET_KEY`. */
  readonly issue: (grant: {
    readonly subject: string
    readonly scopes?: readonly string[]
    readonly ttlMs?: number
  }) => Promise<string>
  /**
   * A bearer credential of any accepted kind; one that was verified a moment ago is answered at once.
   * Throws 401 `invalid_token`, or 503 when its issuer is down.
   */
  readonly verify: (credential: string) => Principal | Promise<Principal>
}

export const Auth = service('auth').of<AuthService>()

export const AuthEvents = events<{
  'auth:failed': {
    readonly reason: 'missing' | 'malformed' | 'expired' | 'signature' | 'forbidden'
  }
  'auth:key-created': { readonly id: string }
  'auth:key-revoked': { readonly id: string }
}>('auth')
