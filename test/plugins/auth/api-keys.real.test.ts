import { rm } from 'node:fs/promises'

import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { up } from '../../../plugins/auth/migrations/0001-create-auth-keys.ts'
import { PostgresKeyStore } from '../../../plugins/auth/store-postgres.ts'
import database from '../../../plugins/database/index.ts'
import { postgres } from '../../harness/postgres.ts'
import { embeddedFolder } from '../database/embedded-folder.ts'
import { keyStorePromises } from './key-store-promises.ts'
import { start } from './world.ts'

const { url } = await postgres()
const dataDir = await embeddedFolder()
const onPostgres = await testPlugin(database, { config: { url } })
const onPglite = await testPlugin(database, { config: {}, server: { dataDir } })
test.after(async () => {
  await onPostgres.stop()
  await onPglite.stop()
  await rm(dataDir, { recursive: true, force: true })
})

for (const [name, running] of Object.entries({ Postgres: onPostgres, PGlite: onPglite })) {
  const { database: service } = running.services
  await up(service.knex)
  const store = new PostgresKeyStore(service)
  keyStorePromises(test, name, () => store)

  test(`${name}: the plugin keeps its keys in the database`, async () => {
    const auth = await start({}, { database: service })
    const as = { subject: 'zoe', scopes: [] }
    const body = { name: 'ci' }
    const reply = await auth.inject({ method: 'POST', url: '/auth/keys', body, as })
    const { id, key } = reply.json() as { id: string; key: string }
    const headers = { authorization: `Bearer ${key}` }

    const list = await auth.inject({ url: '/auth/keys', headers })

    assert.is(list.status, 200)
    assert.is((list.json() as { items: { id: string }[] }).items[0]?.id, id)
    await auth.stop()
  })
}

test.run()
