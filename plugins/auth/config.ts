import { duration, secret } from 'autodocops'
import type { Secret } from 'autodocops'
import * as z from 'zod'

/** A repeated character or a keyboard walk is long and still no secret; random hex of 32 digits has about 14. */
const isVaried = (value: Secret) => new Set(value.reveal()).size >= 8
const signingKey = (generated: boolean) =>
  secret({ minBytes: 32, generated }).refine(isVaried, {
    error: 'must have at least 8 different characters: take a random one, openssl rand -base64 48',
  })

const isTrustworthy = (value: string) => {
  if (!URL.canParse(value)) return false
  const { protocol, hostname } = new URL(value)
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  return protocol === 'https:' || (protocol === 'http:' && isLoopback)
}

const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA'] as const

const issuer = z.strictObject({
  issuer: z.string().min(1).describe('The `iss` of its tokens, to the letter.'),
  audience: z.string().min(1).describe('The `aud` that its tokens for this server carry.'),
  jwksUrl: z
    .string()
    .refine(isTrustworthy, { error: 'must be an https URL (http on the loopback only)' })
    .describe('Where its public keys are.'),
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default(['RS256', 'ES256', 'EdDSA'])
    .describe('Signature algorithms accepted from it. Never a symmetric one.'),
  subjectPrefix: z
    .string()
    .max(64)
    .default('')
    .describe('Put before each `sub`, so that two issuers cannot name the same owner.'),
})

const limit = (anonymous: number, user: number) =>
  z
    .strictObject({
      window: duration().prefault('1m').describe('How long the requests are counted.'),
      anonymous: z.int().positive().default(anonymous).describe('Requests of one address.'),
      user: z.int().positive().default(user).describe('Requests of one subject.'),
    })
    .prefault({})

const limits = z
  .object({
    default: limit(60, 600).describe('Every route that names no other class.'),
    chat: limit(20, 20).describe('Routes that ask the model.'),
    auth: limit(10, 60).describe('Logging in and making keys.'),
  })
  .catchall(limit(60, 600))

export const config = z
  .strictObject({
    secret: signingKey(true)
      .describe('Signs the tokens of this server (HS256). At least 32 random bytes.')
      .meta({ env: 'JWT_SECRET_KEY' }),
    previousSecret: signingKey(false)
      .optional()
      .describe('The secret before this one, still accepted while its tokens run out.')
      .meta({ env: 'JWT_SECRET_KEY_PREVIOUS' }),
    issuer: z.string().min(1).default('autodocops').describe('The `iss` of our own tokens.'),
    audience: z.string().min(1).default('autodocops').describe('The `aud` of our own tokens.'),
    ttl: duration().prefault('1h').describe('How long a token of ours lives when nothing is said.'),
    maxAge: duration()
      .prefault('24h')
      .describe('The longest life of any token; one that claims more is refused.'),
    issuers: z.array(issuer).default([]).describe('Identity providers whose tokens are accepted.'),
    keys: z
      .strictObject({
        maxPerOwner: z.int().positive().default(50).describe('API keys that one owner may hold.'),
      })
      .prefault({})
      .describe('API keys for machines; they need the database.'),
    limits: limits.prefault({}).describe('Rate limits by class, as the routes name them.'),
  })
  .refine((c) => c.ttl <= c.maxAge, { path: ['ttl'], error: 'must not be longer than maxAge' })
  .refine((c) => new Set([c.issuer, ...c.issuers.map((i) => i.issuer)]).size > c.issuers.length, {
    path: ['issuers'],
    error: 'each issuer may stand once, and none may have the name of our own',
  })

export type AuthConfig = z.output<typeof config>
export type IssuerConfig = AuthConfig['issuers'][number]
export type LimitRule = AuthConfig['limits']['default']
