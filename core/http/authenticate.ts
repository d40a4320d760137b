import type { RouteFacts } from '../route.ts'
import type { Principal } from '../principal.ts'
import type { AuthenticationRequest } from '../slots.ts'
import { HttpErrors } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { HttpAppOptions } from './contract.ts'

type Filled = HttpAppOptions['authenticators'][number]
type Lost = NonNullable<HttpAppOptions['lostAuthenticators']>[number]

const challenge = { 'WWW-Authenticate': 'Bearer' }
const rejected = { 'WWW-Authenticate': 'Bearer error="invalid_token"' }

/** Asks the authenticators in turn. With an `Authorization` header no cookie is read. */
export class Authentication {
  readonly #byHeader: readonly Filled[]
  readonly #byCookie: readonly Filled[]
  readonly #lost: readonly Lost[]

  constructor(authenticators: readonly Filled[], lost: readonly Lost[] = []) {
    const of = (credential: string) =>
      authenticators.filter(({ authenticator }) => authenticator.credential === credential)
    this.#byHeader = of('authorization')
    this.#byCookie = of('cookie')
    this.#lost = lost
  }

  /** Who asks, as far as the route wants to know. Throws 401, 403, or what an authenticator throws. */
  async principal(exchange: Exchange, route: RouteFacts): Promise<Principal | undefined> {
    const { auth } = route
    const principal = await this.#identify(exchange, route)
    if (principal === undefined && auth !== 'optional')
      throw HttpErrors.unauthorized({ headers: challenge })
    if (principal !== undefined && typeof auth === 'object') requireScope(principal, auth.scope)
    return principal
  }

  async #identify(exchange: Exchange, route: RouteFacts): Promise<Principal | undefined> {
    const { headers } = exchange.request
    const hasHeader = headers.authorization !== undefined
    if (!hasHeader && headers.cookie === undefined) return undefined
    const candidates = hasHeader ? this.#byHeader : this.#byCookie
    const request = requestOf(exchange, route)
    for (const { authenticator, services } of candidates) {
      const principal = await authenticator.authenticate(services as never, request)
      if (principal !== undefined) return principal
    }
    this.#requireAll(hasHeader ? 'authorization' : 'cookie', route)
    // A credential that nobody knows is wrong; a cookie may be about something else.
    if (hasHeader && candidates.length > 0) throw HttpErrors.unauthorized({ headers: rejected })
    return undefined
  }

  /** Throws when somebody who might know it does not run; a route that can do without is not kept from it by a cookie. */
  #requireAll(credential: Lost['credential'], { auth }: RouteFacts): void {
    const lost = this.#lost.find((one) => (one.credential ?? credential) === credential)
    if (lost === undefined || (credential === 'cookie' && auth === 'optional')) return
    const hint = `The plugin ${lost.plugin}, which reads this credential, does not run; it is tried again by itself.`
    throw HttpErrors.plugin_unavailable({ headers: { 'Retry-After': '5' }, hint })
  }
}

function requireScope({ scopes }: Principal, scope: string): void {
  if (scopes.includes(scope)) return
  const header = `Bearer error="insufficient_scope", scope="${scope}"`
  throw HttpErrors.insufficient_scope({ scope }, { headers: { 'WWW-Authenticate': header } })
}

const requestOf = (exchange: Exchange, route: RouteFacts): AuthenticationRequest => ({
  method: exchange.request.method ?? '',
  headers: exchange.request.headers,
  route,
  get ip() {
    return exchange.ip
  },
  get ctx() {
    return exchange.ctx
  },
})
