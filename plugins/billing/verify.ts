import { createHmac, timingSafeEqual } from 'node:crypto'

export interface VerifyOptions {
  /** Any may match: two are valid while one is rolled. */
  readonly secrets: readonly string[]
  readonly now: number
  readonly toleranceMs: number
  readonly futureToleranceMs: number
}

export type Verdict =
  | 'valid'
  | 'signature_missing'
  | 'signature_invalid'
  | 'timestamp_out_of_tolerance'

/**
 * Stripe's scheme: `t=…,v1=hex[,v1=…]`, HMAC-SHA256 over `t.body`. Ours, not the SDK's, since that one
 * takes any time in the future, one secret a call, and its synchronous form throws on Deno.
 */
export function verify(
  body: Buffer,
  header: string | readonly string[] | undefined,
  options: VerifyOptions,
): Verdict {
  if (header === undefined || header === '') return 'signature_missing'
  const { timestamp, signatures } = read(typeof header === 'string' ? header : header.join(','))
  if (timestamp === undefined || signatures.length === 0) return 'signature_invalid'

  const isOurs = options.secrets.some((secret) => {
    const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest()
    return signatures.some((given) => given.length === 32 && timingSafeEqual(given, expected))
  })
  if (!isOurs) return 'signature_invalid'

  const age = options.now - Number(timestamp) * 1_000
  const isTimely = age <= options.toleranceMs && -age <= options.futureToleranceMs
  return isTimely ? 'valid' : 'timestamp_out_of_tolerance'
}

function read(header: string) {
  const parts = header.split(',').map((part) => part.trim().split('='))
  const timestamp = parts.find(([key]) => key === 't')?.[1]
  const signatures = parts
    .filter(([key, value]) => key === 'v1' && /^[0-9a-f]{64}$/.test(value ?? ''))
    .map(([, value]) => Buffer.from(value ?? '', 'hex'))
  return { timestamp: /^\d{1,12}$/.test(timestamp ?? '') ? timestamp : undefined, signatures }
}

/** When it was signed, by its own word; 0 when it does not say. */
export const signedAt = (header: string | readonly string[] | undefined): number =>
  1_000 * Number(read(String(header ?? '')).timestamp ?? 0)

/** The header that Stripe would send; FakeStripe signs with it. */
export function sign(body: string, secret: string, nowMs: number): string {
  const timestamp = Math.floor(nowMs / 1_000)
  const digest = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')
  return `t=${timestamp},v1=${digest}`
}
