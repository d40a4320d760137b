import type { IncomingMessage } from 'node:http'

const exposed = [
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Cache',
  'X-Request-Id',
].join(', ')
const preflightSeconds = '600'

/** Which foreign pages may call us: those of `server.origins`, with their credentials; nobody else. */
export class Cors {
  readonly #origins: ReadonlySet<string>

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
  }

  /** Flat pairs for any reply. `Vary` also on those without an origin: a cache must not mix them up. */
  headersFor({ headers }: IncomingMessage): readonly string[] {
    if (this.#origins.size === 0) return []
    const { origin } = headers
    if (origin === undefined || !this.#origins.has(origin)) return ['Vary', 'Origin']
    const allowed = [
      'Access-Control-Allow-Origin',
      origin,
      'Access-Control-Allow-Credentials',
      'true',
    ]
    return ['Vary', 'Origin', ...allowed, 'Access-Control-Expose-Headers', exposed]
  }

  /** Besides those: what a preflight asks for. The page is trusted, so it may send the headers that it names. */
  preflightHeaders({ headers }: IncomingMessage, allow: string): Readonly<Record<string, string>> {
    const { origin } = headers
    const asks = headers['access-control-request-method'] !== undefined
    if (!asks || origin === undefined || !this.#origins.has(origin)) return {}
    return {
      'Access-Control-Allow-Methods': allow,
      'Access-Control-Allow-Headers': headers['access-control-request-headers'] ?? '*',
      'Access-Control-Max-Age': preflightSeconds,
    }
  }
}
