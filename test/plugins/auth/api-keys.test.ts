import { createHash } from 'node:crypto'

import { AuthEvents } from 'autodocops/plugins/auth'
import type { DatabaseService } from 'autodocops/plugins/database'
import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import auth from '../../../plugins/auth/index.ts'
import type { KeyStore } from '../../../plugins/auth/store.ts'
import { keyStorePromises } from './key-store-promises.ts'
import { MemoryKeyStore } from './key-store-memory.ts'
import { ask, secret, start } from './world.ts'
import type { Instance } from './world.ts'

/** The plugin, with the double in place of the table. */
const withMemory = (store: KeyStore) =>
  testPlugin({ ...auth, services: { ...auth.services, keyStore: () => store } } as typeof auth, {
    config: { secret, limits: { auth: { user: 1_000 }, default: { user: 1_000 } } },
    services: { database: {} as DatabaseService },
  })

let store: MemoryKeyStore
let a: Instance
let b: Instance
test.before.each(async () => {
  store = new MemoryKeyStore()
  a = await withMemory(store)
  b = await withMemory(store)
})
test.after.each(async () => {
  await a.stop()
  await b.stop()
})

const alice = { subject: 'alice', scopes: ['read', 'write'], via: 'jwt' }

interface Created {
  readonly id: string
  readonly key: string
}

async function create(body: object = { name: 'ci' }, as: object = alice): Promise<Created> {
  const reply = await a.inject({ method: 'POST', url: '/auth/keys', body, as: { ...alice, ...as } })
  assert.is(reply.status, 201, reply.text)
  return reply.json() as Created
}

const isKnown = async (instance: Instance, key: string) => {
  const headers = { authorization: `Bearer ${key}` }
  return (await instance.inject({ url: '/auth/keys', headers })).status === 200
}

test('a key speaks for its owner with the scopes it was given, on every instance', async () => {
  const { key } = await create({ name: 'ci', scopes: ['read'] })

  assert.match(key, /^adk_[0-9a-f]{32}_[\w-]{43}$/)
  const expected = { subject: 'alice', scopes: ['read'], via: 'api-key' }
  assert.equal(await b.services.auth.verify(key), expected)
})

test('only the SHA-256 of its secret is kept', async () => {
  const { id, key } = await create()
  const kept = await store.find(id)
  const hash = createHash('sha256').update(key.slice(-43)).digest('base64url')

  assert.is(kept?.hash, hash)
  assert.not.match(JSON.stringify(kept), new RegExp(key.slice(-43)))
  assert.not.match(JSON.stringify(a.logs), new RegExp(key.slice(-43)))
})

test('a revoked key is refused at once here, and within 5 seconds everywhere', async () => {
  const { id, key } = await create()
  assert.ok(await isKnown(a, key))
  assert.ok(await isKnown(b, key))

  const reply = await a.inject({ method: 'DELETE', url: `/auth/keys/${id}`, as: alice })

  assert.is(reply.status, 204)
  assert.not(await isKnown(a, key))
  b.clock.advance(5_000)
  assert.not(await isKnown(b, key))
})

test('a key ends at its time', async () => {
  const expiresAt = new Date(a.clock.now() + 2_000).toISOString()
  const { key } = await create({ name: 'short', expiresAt })
  a.clock.advance(1_999)
  assert.ok(await isKnown(a, key))

  a.clock.advance(1)

  assert.not(await isKnown(a, key))
})

test('a key that is nearly right is nobody, with the same 401 as a bad token', async () => {
  const { key } = await create()
  const other = await create()
  const wrong = [
    `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`,
    `${key}A`,
    key.slice(0, -1),
    `${key.slice(0, 37)}${other.key.slice(37)}`,
    key.replace('adk_', 'adk_0'),
    'adk_',
    `adk_${'0'.repeat(32)}_${'A'.repeat(43)}`,
  ]
  for (const credential of wrong) {
    const reply = await ask(a, credential)
    assert.is(reply.status, 401, credential)
    assert.is((reply.json() as { code: string }).code, 'invalid_token')
  }
})

test('100 requests with a key look it up once in 5 seconds', async () => {
  const { key } = await create()
  store.finds = 0
  for (let i = 0; i < 100; i += 1) assert.ok(await isKnown(a, key))
  assert.is(store.finds, 1)
})

test('it is noted when a key was last used, once a minute', async () => {
  const { id, key } = await create()
  await isKnown(a, key)
  const used = a.clock.now()
  a.clock.advance(30_000)
  await isKnown(a, key)
  assert.is((await store.find(id))?.lastUsedAt?.getTime(), used)

  a.clock.advance(30_000)
  await isKnown(a, key)

  assert.is((await store.find(id))?.lastUsedAt?.getTime(), used + 60_000)
})

test('a clock that was set back notes the use of a key at its next look', async () => {
  const { id, key } = await create()
  await isKnown(a, key)
  a.clock.jump(-3_600_000)
  a.clock.advance(5_000)

  await isKnown(a, key)

  assert.is((await store.find(id))?.lastUsedAt?.getTime(), a.clock.now())
})

test('a key holds at most the scopes of whoever makes it', async () => {
  const body = { name: 'ci', scopes: ['read', 'admin'] }
  const reply = await a.inject({ method: 'POST', url: '/auth/keys', body, as: alice })
  assert.is(reply.status, 403)
  assert.is((reply.json() as { code: string }).code, 'api_key_scope')
})

test('a key cannot make keys, which would outlive it', async () => {
  const { key } = await create()
  const headers = { authorization: `Bearer ${key}` }
  const reply = await a.inject({ method: 'POST', url: '/auth/keys', body: { name: 'x' }, headers })
  assert.is(reply.status, 403)
})

test('an owner has at most 50 living keys', async () => {
  const made: Created[] = []
  for (let i = 0; i < 50; i += 1) made.push(await create())
  const body = { name: 'one more' }
  const reply = await a.inject({ method: 'POST', url: '/auth/keys', body, as: alice })
  assert.is(reply.status, 409)

  await a.inject({ method: 'DELETE', url: `/auth/keys/${made[0]?.id ?? ''}`, as: alice })
  await create()
})

test('an owner sees and revokes their own keys only', async () => {
  const { id, key } = await create()
  const mallory = { subject: 'mallory' }

  const list = await a.inject({ url: '/auth/keys', as: mallory })
  assert.equal(list.json(), { items: [], nextCursor: null })
  const revoked = await a.inject({ method: 'DELETE', url: `/auth/keys/${id}`, as: mallory })
  assert.is(revoked.status, 404)
  assert.ok(await isKnown(a, key))
})

test('keys are listed newest first, page by page, without their secrets', async () => {
  const made = [
    await create({ name: 'one' }),
    await create({ name: 'two' }),
    await create({ name: 'three' }),
  ]
  type Page = { items: { id: string; name: string }[]; nextCursor: string | null }

  const first = (await a.inject({ url: '/auth/keys?limit=2', as: alice })).json() as Page
  const cursor = first.nextCursor ?? ''
  const reply = await a.inject({ url: `/auth/keys?limit=2&cursor=${cursor}`, as: alice })
  const second = reply.json() as Page

  const ids = [...first.items, ...second.items].map(({ id }) => id)
  assert.equal(ids.toSorted(), made.map(({ id }) => id).toSorted())
  assert.is(first.items.length, 2)
  assert.is(second.nextCursor, null)
  assert.not.match(JSON.stringify([first, second]), /adk_|hash/)
})

test('events tell of keys that were made and revoked', async () => {
  const [created, revoked] = [
    a.heard(AuthEvents, 'auth:key-created'),
    a.heard(AuthEvents, 'auth:key-revoked'),
  ]
  const { id } = await create()
  await a.inject({ method: 'DELETE', url: `/auth/keys/${id}`, as: alice })
  assert.equal([created, revoked], [[{ id }], [{ id }]])
})

test('without a database the routes say so, and a key is nobody', async () => {
  const bare = await start()
  for (const method of ['GET', 'POST']) {
    const body = method === 'POST' ? { name: 'x' } : undefined
    const reply = await bare.inject({ method, url: '/auth/keys', as: alice, body })
    assert.is(reply.status, 501)
    assert.is((reply.json() as { code: string }).code, 'api_keys_need_database')
  }
  assert.is((await ask(bare, `adk_${'0'.repeat(32)}_${'A'.repeat(43)}`)).status, 401)
  await bare.stop()
})

const bodies: readonly unknown[] = [
  {},
  { name: '' },
  { name: 'a\u0000b' },
  { name: 'x'.repeat(101) },
  { name: 'x', scopes: ['a b'] },
  { name: 'x', scopes: 'a' },
  { name: 'x', expiresAt: 'tomorrow' },
  { name: 'x', owner: 'bob' },
]
test('a body that is no key is 422', async () => {
  for (const body of bodies) {
    const reply = await a.inject({ method: 'POST', url: '/auth/keys', body, as: alice })
    assert.is(reply.status, 422, JSON.stringify(body))
  }
})

const memory = new MemoryKeyStore()
keyStorePromises(test, 'memory', () => memory)

test.run()
