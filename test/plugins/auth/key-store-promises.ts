import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import type { KeyStore, StoredKey } from '../../../plugins/auth/store.ts'

/** What every store of API keys promises. */
export function keyStorePromises(test: Test<unknown>, name: string, storeOf: () => KeyStore): void {
  test(`${name}: a key comes back as it was kept`, async () => {
    const key = keyOf('alice', { expiresAt: new Date('2030-01-02T03:04:05.678Z'), scope: 'a b' })
    await storeOf().insert(key)
    assert.equal(await storeOf().find(key.id), key)
  })

  test(`${name}: a key that nobody kept is not found`, async () => {
    assert.is(await storeOf().find(keyOf('x').id), undefined)
  })

  test(`${name}: an owner sees their living keys, newest first, page by page`, async () => {
    const keys = [keyOf('bob'), keyOf('bob'), keyOf('bob'), keyOf('carol')]
    for (const key of keys) await storeOf().insert(key)
    const [first, second, third] = keys

    const page = await storeOf().list('bob', 2, undefined)
    assert.equal(
      page.map(({ id }) => id),
      [third?.id, second?.id],
    )
    const next = await storeOf().list('bob', 2, page[1]?.id)
    assert.equal(
      next.map(({ id }) => id),
      [first?.id],
    )
    assert.is(await storeOf().count('bob'), 3)
  })

  test(`${name}: a key is revoked once, by its owner only, and then neither listed nor counted`, async () => {
    const key = keyOf('dave')
    await storeOf().insert(key)
    const at = new Date('2029-01-01T00:00:00.000Z')

    assert.not(await storeOf().revoke('mallory', key.id, at))
    assert.ok(await storeOf().revoke('dave', key.id, at))
    assert.not(await storeOf().revoke('dave', key.id, at))

    assert.equal((await storeOf().find(key.id))?.revokedAt, at)
    assert.equal(await storeOf().list('dave', 10, undefined), [])
    assert.is(await storeOf().count('dave'), 0)
  })

  test(`${name}: it notes when a key was last used`, async () => {
    const key = keyOf('erin')
    await storeOf().insert(key)
    const at = new Date('2029-05-05T05:05:05.005Z')

    await storeOf().markUsed(key.id, at)

    assert.equal((await storeOf().find(key.id))?.lastUsedAt, at)
  })
}

let made = 0

function keyOf(owner: string, more: Partial<StoredKey> = {}): StoredKey {
  made += 1
  return {
    id: `key_00000000-0000-7000-8000-${String(made).padStart(12, '0')}`,
    owner,
    name: 'a key',
    hash: `hash-${made}`,
    scope: '',
    createdAt: new Date('2028-01-01T00:00:00.000Z'),
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
    ...more,
  }
}
