import type { Clock } from 'autodocops'
import type { Principal } from 'autodocops'
import { errors, jwtVerify } from 'jose'
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'

/** Clocks of two machines may differ by this much. */
const toleranceMs = 5_000

/** A token that holds, and until when it may be believed without another look. */
export interface Verified {
  readonly principal: Principal
  readonly until: number
}

export interface TokenRule {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly string[]
  readonly maxAgeMs: number
  readonly subjectPrefix: string
  readonly typ?: string
}

/**
 * Checks a token by a rule that was chosen before its signature was looked at: algorithm, issuer and audience
 * come from our config, never from the token's header (RFC 8725 §3.1, §3.2). Throws jose's errors.
 */
export async function verifyJwt(
  token: string,
  key: JWTVerifyGetKey,
  rule: TokenRule,
  clock: Clock,
): Promise<Verified> {
  const now = clock.now()
  const { payload } = await jwtVerify(token, key, optionsOf(rule, now))
  const { exp = 0, iat = 0 } = payload
  // jose bounds the age from `iat` only: a token that promises to live for ever is refused at once.
  if (exp - iat > rule.maxAgeMs / 1_000) throw new errors.JWTInvalid('it lives too long')
  const principal = { subject: subjectOf(payload, rule), scopes: scopesOf(payload), via: 'jwt' }
  return { principal, until: exp * 1_000 + toleranceMs }
}

const optionsOf = (rule: TokenRule, now: number): JWTVerifyOptions => ({
  issuer: rule.issuer,
  audience: rule.audience,
  algorithms: [...rule.algorithms],
  requiredClaims: ['exp', 'iat', 'sub'],
  maxTokenAge: rule.maxAgeMs / 1_000,
  clockTolerance: toleranceMs / 1_000,
  currentDate: new Date(now),
  ...(rule.typ === undefined ? {} : { typ: rule.typ }),
})

/** It becomes a column and a key: text that a store refuses (NUL) must not come this far. */
export const isSubject = (value: unknown): value is string =>
  typeof value === 'string' && /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(value)

function subjectOf({ sub }: JWTPayload, { subjectPrefix }: TokenRule): string {
  const subject = subjectPrefix + (sub ?? '')
  if (!isSubject(sub) || !isSubject(subject)) throw new errors.JWTInvalid('it has no usable sub')
  return subject
}

/** RFC 8693 §4.2: one text, separated by spaces. Anything else holds no scope. */
const scopesOf = ({ scope }: JWTPayload): readonly string[] =>
  typeof scope === 'string' ? scope.split(' ').filter((part) => part !== '') : []
