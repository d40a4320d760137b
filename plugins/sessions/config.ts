import { byteSize, duration, secret } from 'autodocops'
import * as z from 'zod'

/** RFC 6265 §4.1.1: a token. */
const cookieName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/
const domainName = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/i

interface Cookie {
  readonly name?: string | undefined
  readonly sameSite: 'none' | 'lax' | 'strict'
  readonly secure: boolean
  readonly partitioned: boolean
  readonly domain?: string | undefined
}

/** What browsers drop without a word (RFC 6265bis §5.7, CHIPS): a login loop that nobody can explain. */
const dropped: readonly (readonly [
  key: 'sameSite' | 'partitioned' | 'name',
  message: string,
  isBroken: (cookie: Cookie) => boolean,
])[] = [
  ['sameSite', 'none needs secure: true', (c) => c.sameSite === 'none' && !c.secure],
  ['partitioned', 'needs secure: true', (c) => c.partitioned && !c.secure],
  ['partitioned', 'needs sameSite: none', (c) => c.partitioned && c.sameSite !== 'none'],
  ['name', '__Secure- needs secure: true', (c) => has(c, '__Secure-') && !c.secure],
  ['name', '__Host- needs secure: true', (c) => has(c, '__Host-') && !c.secure],
  ['name', '__Host- allows no domain', (c) => has(c, '__Host-') && c.domain !== undefined],
]

/** Browsers compare the prefix without regard to case. */
const has = ({ name = '' }: Cookie, prefix: string) =>
  name.toLowerCase().startsWith(prefix.toLowerCase())

const cookie = z
  .strictObject({
    name: z
      .string()
      .regex(cookieName, { error: "may hold letters, digits and !#$%&'*+.^_`|~- only" })
      .optional()
      .describe('`__Host-sid` in production, `__Secure-sid` with a domain, `sid` in development.'),
    sameSite: z
      .enum(['none', 'lax', 'strict'])
      .default('none')
      .describe('none: pages of server.origins may use the session from another site.'),
    secure: z
      .boolean()
      .default(true)
      .describe('https only. Browsers and curl take the loopback for secure too.'),
    partitioned: z
      .boolean()
      .default(false)
      .describe('One session for each embedding site (CHIPS), for a page inside an iframe.'),
    domain: z
      .string()
      .regex(domainName, { error: 'must be a name with a dot, without scheme or port' })
      .optional()
      .describe('Shares the cookie with its subdomains.'),
  })
  .superRefine((value, context) => {
    for (const [key, message, isBroken] of dropped)
      if (isBroken(value)) context.addIssue({ code: 'custom', path: [key], message })
  })

/** RFC 6265bis §5.6: browsers cut longer ones. */
const longestMs = 400 * 86_400_000
const lifetime = () =>
  duration().refine((ms) => ms >= 1_000 && ms <= longestMs, {
    error: 'must be between 1s and 400d, the longest that browsers keep a cookie',
  })

export const config = z
  .strictObject({
    secret: secret({ minBytes: 32, generated: true })
      .describe(
        'Signs the cookie, so that a forged one never reaches Redis. At least 32 random bytes.',
      )
      .meta({ env: 'SESSION_SECRET' }),
    previousSecret: secret({ minBytes: 32 })
      .optional()
      .describe('The secret before this one; its cookies are accepted and signed anew.')
      .meta({ env: 'SESSION_SECRET_PREVIOUS' }),
    ttl: lifetime().prefault('8h').describe('A session ends when it was not used for so long.'),
    absolute: lifetime()
      .prefault('7d')
      .describe('A session ends so long after the login, used or not.'),
    maxPerUser: z
      .int()
      .positive()
      .max(1_000)
      .default(20)
      .describe('Devices of one subject; a further login ends the one unused for longest.'),
    maxBytes: byteSize().prefault('4KiB').describe('The most that one session may hold.'),
    cookie: cookie.prefault({}).describe('The cookie. What browsers would drop is refused.'),
  })
  .refine(({ ttl, absolute }) => ttl <= absolute, {
    path: ['ttl'],
    error: 'must not be longer than absolute',
  })

export type SessionConfig = z.output<typeof config>
