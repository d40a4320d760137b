import type { Authenticator, Principal } from 'autodocops'

import { E } from './errors.ts'
import type { SessionRecord } from './record.ts'
import type { Visits } from './visits.ts'

interface Services {
  readonly visits: Visits
}

export const principalOf = ({ subject, scopes }: SessionRecord): Principal | undefined =>
  subject === null ? undefined : { subject, scopes, via: 'session' }

/** A cookie that is forged or whose session is over counts as none: then the visitor is anonymous. */
export const cookieAuthenticator: Authenticator<Services> = {
  name: 'session',
  credential: 'cookie',
  scheme: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-sid',
    description: 'The session of a browser, opened by POST /auth/session; `sid` in development.',
  },
  errors: [E.csrf, E.session_store_unavailable],
  authenticate: ({ visits }, { ctx }) =>
    visits.of(ctx)?.then((visit) => visit && principalOf(visit.record)),
}
