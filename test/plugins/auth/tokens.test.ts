import { createHmac, generateKeyPairSync } from 'node:crypto'

import { AuthEvents } from 'autodocops/plugins/auth'
import { testPlugin } from 'autodocops/testing'
import fc from 'fast-check'
import { decodeProtectedHeader, decodeJwt, UnsecuredJWT } from 'jose'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import auth from '../../../plugins/auth/index.ts'
import { ask, claims, now, previousSecret, secret, sign, start } from './world.ts'
import type { Instance } from './world.ts'

let instance: Instance
test.before.each(async () => {
  instance = await start({ previousSecret })
})
test.after.each(() => instance.stop())

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const day = 86_400

const hostile: Readonly<Record<string, () => string | Promise<string>>> = {
  'signed by nobody (alg: none)': () => new UnsecuredJWT(claims).encode(),
  'signed with a public key as if it were a secret': () => sign(claims, pem),
  'signed with another algorithm than ours': () => sign(claims, privateKey, { alg: 'RS256' }),
  'without an end': () => sign(without('exp')),
  'with an end in the year 285428681': () => sign({ ...claims, exp: 9e15 }),
  'that lives longer than allowed': () => sign({ ...claims, exp: now + day + 1 }),
  'issued a day ahead': () => sign({ ...claims, iat: now + day, exp: now + day + 60 }),
  'for another audience': () => sign({ ...claims, aud: 'somebody-else' }),
  'of an unknown issuer': () => sign({ ...claims, iss: 'https://evil.example' }),
  'not valid yet': () => sign({ ...claims, nbf: now + 60 }),
  'with a critical extension that we do not know': () => forge({ crit: ['urn:x'], 'urn:x': 1 }),
  'of 2 MB': () => 'a'.repeat(2_000_000),
  'with an unknown kid': () => sign(claims, secret, { kid: 'nobody' }),
  'that is over': () => sign({ ...claims, iat: now - 700, exp: now - 6 }),
  'that is empty': () => '',
  'of another kind (an id token)': () => sign(claims, secret, { typ: 'JWT' }),
  'without a subject': () => sign(without('sub')),
  'whose subject holds a NUL': () => sign({ ...claims, sub: 'a\u0000b' }),
  'that points to its own keys': () =>
    sign(claims, 'x'.repeat(40), {
      jku: 'https://evil.example/jwks',
      jwk: { kty: 'oct', k: 'eHh4' },
    }),
  'signed with another secret': () => sign(claims, 'x'.repeat(40)),
}

test('every hostile token gets the same 401, and no word about why', async () => {
  const bodies = new Set<string>()
  for (const [what, make] of Object.entries(hostile)) {
    const token = await make()
    // Node refuses a header of 2 MB itself, so that one goes past it.
    const reply = token.length > 10_000 ? undefined : await ask(instance, token)
    if (reply === undefined) {
      assert.throws(() => instance.services.auth.verify(token), /not valid/)
      continue
    }
    assert.is(reply.status, 401, what)
    assert.match(reply.headers['www-authenticate'] ?? '', /^Bearer .*error="invalid_token"$/, what)
    bodies.add(reply.text.replace(/"requestId":"[^"]+"/, ''))
  }
  assert.is(bodies.size, 1)
})

test('a token of ours is known, and carries its scopes', async () => {
  const token = await instance.services.auth.issue({ subject: 'alice', scopes: ['a', 'b'] })

  assert.ok((await ask(instance, token)).isKnown)
  const principal = await instance.services.auth.verify(token)
  assert.equal(principal, { subject: 'alice', scopes: ['a', 'b'], via: 'jwt' })
  assert.is(decodeProtectedHeader(token).typ, 'at+jwt')
  assert.is(decodeJwt(token).exp, now + 3_600)
})

test('while the secret is changed, tokens of the one before are known by their kid', async () => {
  const before = await start({ secret: previousSecret })
  const token = await before.services.auth.issue({ subject: 'alice' })
  await before.stop()
  const after = await start()

  assert.ok((await ask(instance, token)).isKnown)
  assert.is((await ask(after, token)).status, 401)
  await after.stop()
})

test('a token made elsewhere with our secret is known without a kid', async () => {
  assert.ok((await ask(instance, forge({}))).isKnown)
  assert.ok((await ask(instance, await sign(claims))).isKnown)
})

test('a clock that is 5 seconds off is forgiven, 6 seconds are not', async () => {
  assert.ok((await ask(instance, await sign({ ...claims, exp: now - 4 }))).isKnown)
  assert.ok((await ask(instance, await sign({ ...claims, iat: now + 4 }))).isKnown)
  assert.is((await ask(instance, await sign({ ...claims, iat: now + 6 }))).status, 401)
})

test('a token that was believed a moment ago ends at its own end', async () => {
  const token = await instance.services.auth.issue({ subject: 'alice', ttlMs: 30_000 })
  assert.ok((await ask(instance, token)).isKnown)
  instance.clock.advance(34_999)
  assert.ok((await ask(instance, token)).isKnown)

  instance.clock.advance(1)

  assert.is((await ask(instance, token)).status, 401)
})

const hour = 3_600_000

test('a token is believed for a minute, also when the clock is set back meanwhile', async () => {
  const token = await instance.services.auth.issue({ subject: 'alice' })
  await instance.services.auth.verify(token)
  instance.clock.advance(59_999)
  instance.clock.jump(-hour)
  assert.ok((await ask(instance, token)).isKnown)

  instance.clock.advance(1)

  // Verified anew, and issued in what is now the future.
  assert.is((await ask(instance, token)).status, 401)
})

test('a clock that is set forward ends a believed token at its own end, and not before', async () => {
  const token = await instance.services.auth.issue({ subject: 'alice', ttlMs: hour })
  await instance.services.auth.verify(token)

  instance.clock.jump(hour)
  assert.ok((await ask(instance, token)).isKnown)
  instance.clock.jump(5_000)

  assert.is((await ask(instance, token)).status, 401)
})

test('a believed token is answered without waiting', async () => {
  const token = await instance.services.auth.issue({ subject: 'alice' })
  await instance.services.auth.verify(token)

  assert.not(instance.services.auth.verify(token) instanceof Promise)
})

test('scopes are one text; anything else holds none', async () => {
  for (const scope of [['a'], { a: 1 }, 7, null, '', '   ']) {
    const principal = await instance.services.auth.verify(await sign({ ...claims, scope }))
    assert.equal(principal.scopes, [], JSON.stringify(scope))
  }
})

test('a token cannot be issued for longer than the limit, nor for nobody', async () => {
  for (const grant of [{ subject: 'a', ttlMs: 86_400_001 }, { subject: '' }, { subject: 'a\nb' }])
    await assertRejects(instance.services.auth.issue(grant), 422)
})

test('refusals are counted by reason', async () => {
  const failed = instance.heard(AuthEvents, 'auth:failed')
  const tokens = [
    await sign({ ...claims, iat: now - 700, exp: now - 600 }),
    await sign(claims, 'x'.repeat(40)),
    'nonsense',
    await sign({ ...claims, aud: 'x' }),
  ]

  for (const token of tokens) await ask(instance, token)

  assert.equal(
    failed.map(({ reason }) => reason),
    ['expired', 'signature', 'malformed', 'forbidden'],
  )
})

test('another scheme than Bearer is not ours', async () => {
  const headers = { authorization: 'Basic YTpi' }
  const reply = await instance.inject({ url: '/auth/keys', headers })
  assert.is(reply.status, 401)
  assert.is((reply.json() as { code: string }).code, 'unauthorized')
})

test('the name of the scheme may be written in any case', async () => {
  const token = await instance.services.auth.issue({ subject: 'alice' })
  const headers = { authorization: `bEARER  ${token}` }
  assert.is((await instance.inject({ url: '/auth/keys', headers })).status, 501)
})

test('no text in place of a token makes anything but a 401', async () => {
  const part = fc.oneof(fc.base64String(), fc.json().map(base64), fc.string())
  const text = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(text, async (credential) => {
      await assertRejects((async () => instance.services.auth.verify(credential))(), 401)
    }),
    { numRuns: 500 },
  )
})

test('the log tells no token', async () => {
  const token = await instance.services.auth.issue({ subject: 'alice' })
  await ask(instance, token)
  await ask(instance, `${token}x`)
  assert.not.match(JSON.stringify(instance.logs), new RegExp(token.slice(-20)))
})

for (const [what, broken] of Object.entries({
  'of 31 bytes': 'x1y2z3a4b5c6d7e8f9g0h1i2j3k4l5m',
  'of one repeated letter': 'a'.repeat(48),
  'that is empty': '',
}))
  test(`a secret ${what} is refused at boot`, async () => {
    await testPlugin(auth, { config: { secret: broken } }).then(
      () => assert.unreachable('it started'),
      (error: unknown) => assert.match(String(error), /secret/),
    )
  })

/** A token with a header that no library would sign. */
function forge(header: object): string {
  const parts = [{ alg: 'HS256', typ: 'at+jwt', ...header }, claims]
  const text = parts.map((part) => base64(JSON.stringify(part))).join('.')
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

const without = (claim: string) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => name !== claim))

const base64 = (text: string) => Buffer.from(text).toString('base64url')

async function assertRejects(work: Promise<unknown>, status: number): Promise<void> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.is((error as { status?: number } | undefined)?.status, status)
}

test.run()
