import type { Clock, Logger } from 'autodocops'
import { createRemoteJWKSet, errors } from 'jose'
import type { FlattenedJWSInput, JWTHeaderParameters } from 'jose'

import type { AuthConfig, IssuerConfig } from './config.ts'
import { E } from './errors.ts'
import { verifyJwt } from './jwt.ts'
import type { TokenRule, Verified } from './jwt.ts'

/** A request waits this long for keys that we do not have yet. */
const waitMs = 500
/** The fetch itself goes on: a slow provider is then ready for the next request. */
const fetchMs = 5_000
/** An unknown `kid`, and a refresh that failed, ask the provider at most this often. */
const cooldownMs = 30_000
/** A key that the provider took back is forgotten after this. */
const refreshMs = 600_000

/** Tokens of one identity provider, by its published keys. */
export class ExternalTokens {
  readonly #rule: TokenRule
  readonly #keys: ReturnType<typeof createRemoteJWKSet>
  readonly #clock: Clock
  readonly #log: Logger
  #freshUntil: number
  #cooldownUntil = 0

  constructor(issuer: IssuerConfig, maxAgeMs: AuthConfig['maxAge'], clock: Clock, log: Logger) {
    const { issuer: name, audience, algorithms, subjectPrefix } = issuer
    this.#rule = { issuer: name, audience, algorithms, subjectPrefix, maxAgeMs }
    // Never too old for jose, which counts by the wall clock: keys that we have must outlive an outage and a
    // clock that is set. We refresh them ourselves.
    this.#keys = createRemoteJWKSet(new URL(issuer.jwksUrl), {
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: Number.POSITIVE_INFINITY,
      timeoutDuration: fetchMs,
    })
    this.#clock = clock
    this.#log = log
    this.#freshUntil = clock.monotonic() + refreshMs
  }

  verify(token: string): Promise<Verified> {
    return verifyJwt(token, (header, jws) => this.#keyOf(header, jws), this.#rule, this.#clock)
  }

  /** An outage is 503, never 401: the client's token may be good, and must not be thrown away. */
  async #keyOf(header: JWTHeaderParameters, jws: FlattenedJWSInput): Promise<CryptoKey> {
    this.#refreshInBackground()
    try {
      return await within(waitMs, this.#find(header, jws))
    } catch (cause) {
      if (saysNo(cause)) throw cause
      const { issuer } = this.#rule
      throw E.issuer_unavailable({ issuer }, { cause, headers: { 'retry-after': '5' } })
    }
  }

  /** A `kid` that is unknown may be newer than our keys. */
  async #find(header: JWTHeaderParameters, jws: FlattenedJWSInput): Promise<CryptoKey> {
    try {
      return await this.#keys(header, jws)
    } catch (error) {
      const mayAsk = this.#keys.reloading || this.#clock.monotonic() >= this.#cooldownUntil
      if (!mayAsk || !(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#keys.reload()
      this.#cooldownUntil = this.#clock.monotonic() + cooldownMs
      return this.#keys(header, jws)
    }
  }

  #refreshInBackground(): void {
    if (this.#clock.monotonic() < this.#freshUntil) return
    this.#freshUntil = this.#clock.monotonic() + refreshMs
    // Not awaited: the keys that we have stay good when the provider is away.
    void this.#keys.reload().catch((err: unknown) => {
      this.#freshUntil = this.#clock.monotonic() + cooldownMs
      this.#log.warn({ err }, 'keys of an issuer were not refreshed')
    })
  }
}

/** The provider was heard, and none of its keys fits this token. */
const saysNo = (error: unknown) =>
  error instanceof errors.JWKSNoMatchingKey ||
  error instanceof errors.JWKSMultipleMatchingKeys ||
  error instanceof errors.JOSENotSupported

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new errors.JWKSTimeout()), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
