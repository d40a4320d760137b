import type { Authenticator } from 'autodocops'

import type { AuthService } from './contract.ts'
import { E } from './errors.ts'

/** RFC 6750 §2.1; the scheme's name is case-insensitive (RFC 9110 §11.1). */
const scheme = /^bearer(?: +|$)/i

export const bearer: Authenticator<{ readonly auth: AuthService }> = {
  name: 'bearer',
  credential: 'authorization',
  scheme: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT or API key (adk_…)',
    description:
      'A token of this server (`autodocops token --sub alice` prints one) or of its identity provider, or an API key.',
  },
  errors: [E.invalid_token, E.issuer_unavailable],
  authenticate: ({ auth }, { headers }) => {
    const { authorization = '' } = headers
    const named = scheme.exec(authorization)
    return named === null ? undefined : auth.verify(authorization.slice(named[0].length))
  },
}
