import { createHmac, timingSafeEqual } from 'node:crypto'

import type { Clock, Secret, ServerFacts } from 'autodocops'
import type { Context } from 'koa'

import type { SessionConfig } from './config.ts'

interface Deps {
  readonly config: SessionConfig
  readonly server: ServerFacts
  readonly clock: Clock
}

/** An id whose signature holds. `isOld`: by the previous secret, so it is to be signed anew. */
export interface SignedId {
  readonly id: string
  readonly isOld: boolean
}

/** The one cookie of a session: `<id>.<HMAC-SHA-256 of its name and the id>`. */
export class SessionCookie {
  readonly name: string
  /** The same at every Set-Cookie, that of the end included: browsers match a cookie by them. */
  readonly attributes: CookieAttributes
  readonly #secrets: readonly Secret[]
  readonly #clock: Clock

  constructor({ config, server, clock }: Deps) {
    const { secret, previousSecret, cookie } = config
    this.#secrets = previousSecret === undefined ? [secret] : [secret, previousSecret]
    this.#clock = clock
    this.name = cookie.name ?? defaultName(cookie, server.production)
    this.attributes = {
      httpOnly: true,
      secure: cookie.secure,
      sameSite: cookie.sameSite,
      partitioned: cookie.partitioned,
      path: '/',
      overwrite: true,
      signed: false, // we sign it ourselves: the library's second cookie loses its attributes at a rotation
      ...(cookie.domain === undefined ? {} : { domain: cookie.domain }),
    }
  }

  read(ctx: Context): SignedId | undefined {
    const value = ctx.cookies.get(this.name, { signed: false }) ?? ''
    const dot = value.indexOf('.')
    if (dot < 1) return undefined
    const id = value.slice(0, dot)
    const signature = Buffer.from(value.slice(dot + 1))
    const index = this.#secrets.findIndex((key) => isEqual(signature, this.#sign(id, key)))
    return index === -1 ? undefined : { id, isOld: index > 0 }
  }

  write(ctx: Context, id: string, expiresAt: number): void {
    const [secret] = this.#secrets
    if (secret === undefined) return
    const maxAge = Math.max(1, expiresAt - this.#clock.now())
    this.#open(ctx).set(this.name, `${id}.${this.#sign(id, secret)}`, {
      ...this.attributes,
      maxAge,
    })
  }

  clear(ctx: Context): void {
    this.#open(ctx).set(this.name, '', { ...this.attributes, expires: new Date(0) })
  }

  /**
   * The library refuses a Secure cookie on a plain connection with a 500. Behind a proxy that ends TLS the
   * connection is always plain, and browsers know for themselves when to keep it.
   */
  #open(ctx: Context) {
    ctx.cookies.secure = this.attributes.secure
    return ctx.cookies
  }

  #sign(id: string, secret: Secret): string {
    return createHmac('sha256', secret.reveal()).update(`${this.name}=${id}`).digest('base64url')
  }
}

type Cookie = SessionConfig['cookie']

interface CookieAttributes {
  readonly httpOnly: true
  readonly secure: boolean
  readonly sameSite: Cookie['sameSite']
  readonly partitioned: boolean
  readonly path: '/'
  readonly overwrite: true
  readonly signed: false
  readonly domain?: string
}

/** The prefixes make browsers refuse the same name from a subdomain or from plain http. */
function defaultName({ secure, domain }: Cookie, production: boolean): string {
  if (!production || !secure) return 'sid'
  return domain === undefined ? '__Host-sid' : '__Secure-sid'
}

function isEqual(given: Buffer, wanted: string): boolean {
  const right = Buffer.from(wanted)
  return given.length === right.length && timingSafeEqual(given, right)
}
