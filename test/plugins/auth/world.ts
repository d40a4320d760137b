import { testPlugin } from 'autodocops/testing'
import { SignJWT } from 'jose'
import type { JWTPayload } from 'jose'

import auth from '../../../plugins/auth/index.ts'

export const secret = 'k3Xv9Qp2Lr7Tz5Wm8Yb4Nc6Jd1Hf0Gs-of-tests'
export const previousSecret = 'a1Zs2Xd3Cf4Vg5Bh6Nj7Mk8Lq9Wp0Er-the-old'

type Options = NonNullable<
  Parameters<typeof testPlugin<'auth', typeof auth.requires, typeof auth.provides>>[1]
>

export type Instance = Awaited<ReturnType<typeof start>>

/** Limits are far away, so that a test of something else never meets them. */
const limits = { default: { anonymous: 100_000, user: 100_000 }, auth: { user: 100_000 } }

export const start = (
  config: Readonly<Record<string, unknown>> = {},
  services: Options['services'] = {},
) => testPlugin(auth, { config: { secret, limits, ...config }, services })

/** The kit's clock stands here. */
export const now = Date.UTC(2026, 0, 1) / 1_000

export const claims: JWTPayload = {
  iss: 'autodocops',
  aud: 'autodocops',
  sub: 'alice',
  iat: now,
  exp: now + 600,
}

type Key = Parameters<SignJWT['sign']>[0]

/** A token as somebody else would make it: any header, any claims. */
export const sign = (payload: JWTPayload, key: Key | string = secret, header: object = {}) =>
  new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', ...header })
    .sign(typeof key === 'string' ? new TextEncoder().encode(key) : key)

/** What a reply to this credential tells: GET /auth/keys needs somebody, and a database that is not there. */
export async function ask(instance: Instance, credential: string) {
  const headers = { authorization: `Bearer ${credential}` }
  const reply = await instance.inject({ url: '/auth/keys', headers })
  return { ...reply, isKnown: reply.status === 501 }
}
