import type { IncomingHttpHeaders } from 'node:http'

interface Unsafe {
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

/**
 * May a request that a cookie speaks for change something? Browsers say where it comes from (Fetch Metadata,
 * Origin), and a page cannot lie about it. The rules are those of Go's http.CrossOriginProtection; since our
 * cookie is SameSite=None by default, the origins of `server.origins` may too.
 */
export function isOurPage({ method, headers }: Unsafe, origins: readonly string[]): boolean {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return true
  const { origin, 'sec-fetch-site': site } = headers
  if (origin !== undefined && origins.includes(origin)) return true
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  // Neither header: no browser of this decade, so no page either. curl with a cookie jar is one.
  return origin === undefined || isAt(origin, headers.host ?? '')
}

/** As the origin spells it: without the port that its scheme implies. */
function isAt(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false
  const { protocol, host: named } = new URL(origin)
  const here = `${protocol}//${host}`
  return URL.canParse(here) && new URL(here).host === named
}
