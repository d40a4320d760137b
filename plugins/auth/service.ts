import { createHash } from 'node:crypto'

import type { Clock, EventBus, Logger, Principal, Random } from 'autodocops'
import { decodeJwt, errors } from 'jose'
import { LRUCache } from 'lru-cache'

import { isApiKey } from './api-keys.ts'
import type { ApiKeys } from './api-keys.ts'
import type { AuthConfig } from './config.ts'
import { AuthEvents } from './contract.ts'
import type { AuthService } from './contract.ts'
import { E } from './errors.ts'
import { ExternalTokens } from './jwt-external.ts'
import { OwnTokens } from './jwt-own.ts'
import type { Verified } from './jwt.ts'

/** Longer ones are refused unread. Providers that list groups in a token reach 6 KiB. */
const maxLength = 8_192
/** A token that held is believed this long without being verified again, whatever the wall clock does. */
const believedMs = 60_000

interface Deps {
  readonly config: AuthConfig
  readonly apiKeys: ApiKeys
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
  readonly log: Logger
}

interface Believed extends Verified {
  /** Monotonic. */
  readonly verifyAt: number
}

interface Issuer {
  readonly verify: (token: string) => Promise<Verified>
}

/** Bearer credentials of three kinds: our tokens, those of identity providers, API keys. */
export class BearerAuth implements AuthService {
  readonly #own: OwnTokens
  readonly #issuers: ReadonlyMap<string, Issuer>
  readonly #apiKeys: ApiKeys
  /** By the digest of the token, so that no token lies in memory. */
  readonly #believed = new LRUCache<string, Believed>({ maxSize: 10_000, sizeCalculation: () => 1 })
  readonly #clock: Clock
  readonly #events: EventBus

  constructor({ config, apiKeys, clock, random, events, log }: Deps) {
    this.#own = new OwnTokens({ config, clock, random })
    const external = config.issuers.map((issuer) => {
      const tokens: Issuer = new ExternalTokens(issuer, config.maxAge, clock, log)
      return [issuer.issuer, tokens] as const
    })
    this.#issuers = new Map<string, Issuer>([[config.issuer, this.#own], ...external])
    this.#apiKeys = apiKeys
    this.#clock = clock
    this.#events = events
  }

  issue(grant: Parameters<AuthService['issue']>[0]): Promise<string> {
    return this.#own.issue(grant)
  }

  verify(credential: string): Principal | Promise<Principal> {
    if (credential.length > maxLength) throw this.#refusal(new errors.JWTInvalid('it is too long'))
    if (isApiKey(credential)) return this.#verifyApiKey(credential)
    const digest = createHash('sha256').update(credential).digest('base64')
    const believed = this.#believed.get(digest)
    if (believed !== undefined && this.#isCurrent(believed)) return believed.principal
    return this.#verifyToken(credential, digest)
  }

  async #verifyApiKey(credential: string): Promise<Principal> {
    const principal = await this.#apiKeys.verify(credential)
    if (principal === undefined) throw this.#refusal(new errors.JWKSNoMatchingKey())
    return principal
  }

  async #verifyToken(token: string, digest: string): Promise<Principal> {
    try {
      const verifyAt = this.#clock.monotonic() + believedMs
      const verified = await this.#issuerOf(token).verify(token)
      this.#believed.set(digest, { ...verified, verifyAt })
      return verified.principal
    } catch (error) {
      throw error instanceof errors.JOSEError ? this.#refusal(error) : error
    }
  }

  /** Its own end is a date, hence wall time. */
  #isCurrent({ until, verifyAt }: Believed): boolean {
    return this.#clock.monotonic() < verifyAt && this.#clock.now() < until
  }

  /** The claim is unproven here: it only chooses whose keys and rules the token must satisfy. */
  #issuerOf(token: string): Issuer {
    const { iss } = decodeJwt(token)
    const issuer = this.#issuers.get(iss ?? '')
    if (issuer === undefined) throw new errors.JWTInvalid('its issuer is unknown')
    return issuer
  }

  #refusal(cause: errors.JOSEError): Error {
    this.#events.emit(AuthEvents, 'auth:failed', { reason: reasonOf(cause) })
    const challenge = 'Bearer realm="autodocops", error="invalid_token"'
    return E.invalid_token({ cause, headers: { 'www-authenticate': challenge } })
  }
}

function reasonOf(error: errors.JOSEError): 'malformed' | 'expired' | 'signature' | 'forbidden' {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) return 'forbidden'
  const isForged = [
    errors.JWSSignatureVerificationFailed,
    errors.JOSEAlgNotAllowed,
    errors.JWKSNoMatchingKey,
  ].some((kind) => error instanceof kind)
  return isForged ? 'signature' : 'malformed'
}
