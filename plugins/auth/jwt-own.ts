import { createHmac } from 'node:crypto'

import type { Clock, Random, Secret } from 'autodocops'
import { errors, SignJWT } from 'jose'
import type { JWTHeaderParameters } from 'jose'

import type { AuthConfig } from './config.ts'
import { E } from './errors.ts'
import { isSubject, verifyJwt } from './jwt.ts'
import type { TokenRule, Verified } from './jwt.ts'

interface Deps {
  readonly config: AuthConfig
  readonly clock: Clock
  readonly random: Random
}

interface Grant {
  readonly subject: string
  readonly scopes?: readonly string[]
  readonly ttlMs?: number
}

/** Tokens of this server: signed with the secret, verified with it or with the one before. */
export class OwnTokens {
  readonly #keys: readonly SigningKey[]
  readonly #current: SigningKey
  readonly #rule: TokenRule
  readonly #ttlMs: number
  readonly #clock: Clock
  readonly #random: Random

  constructor({ config, clock, random }: Deps) {
    this.#current = new SigningKey(config.secret)
    const previous = config.previousSecret
    this.#keys =
      previous === undefined ? [this.#current] : [this.#current, new SigningKey(previous)]
    this.#ttlMs = config.ttl
    this.#clock = clock
    this.#random = random
    this.#rule = {
      issuer: config.issuer,
      audience: config.audience,
      algorithms: ['HS256'],
      maxAgeMs: config.maxAge,
      subjectPrefix: '',
      typ: 'at+jwt', // RFC 9068 §2.1: nothing else that this secret signs passes for an access token
    }
  }

  async issue({ subject, scopes = [], ttlMs = this.#ttlMs }: Grant): Promise<string> {
    const { issuer, audience, maxAgeMs } = this.#rule
    if (ttlMs > maxAgeMs) throw E.token_lifetime({ maxAgeMs })
    if (!isSubject(subject)) throw E.token_subject()
    const now = Math.floor(this.#clock.now() / 1_000)
    return new SignJWT({ scope: scopes.join(' ') })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: this.#current.kid })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(now)
      .setExpirationTime(now + Math.ceil(ttlMs / 1_000))
      .setJti(this.#random.uuid())
      .sign(await this.#current.cryptoKey())
  }

  async verify(token: string): Promise<Verified> {
    const verifying = verifyJwt(token, (header) => this.#keyOf(header), this.#rule, this.#clock)
    return verifying
  }

  /** A token made elsewhere with our secret may lack a `kid`; it was then signed with the current one. */
  async #keyOf({ kid }: JWTHeaderParameters): Promise<CryptoKey> {
    const key = kid === undefined ? this.#current : this.#keys.find((k) => k.kid === kid)
    if (key === undefined) throw new errors.JWKSNoMatchingKey()
    return key.cryptoKey()
  }
}

class SigningKey {
  readonly kid: string
  readonly #bytes: Uint8Array<ArrayBuffer>
  #imported: Promise<CryptoKey> | undefined

  constructor(secret: Secret) {
    const text = secret.reveal()
    this.#bytes = new TextEncoder().encode(text)
    this.kid = createHmac('sha256', text).update('kid').digest('base64url').slice(0, 8)
  }

  /** Imported once: raw bytes would be imported again for every token, three times slower. */
  cryptoKey(): Promise<CryptoKey> {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    this.#imported ??= crypto.subtle.importKey('raw', this.#bytes, algorithm, false, [
      'sign',
      'verify',
    ])
    return this.#imported
  }
}
