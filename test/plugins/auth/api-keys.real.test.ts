import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { PostgresKeyStore } from '../../../plugins/auth/store-postgres.ts'
import { up } from '../../../plugins/auth/migrations/0001-create-auth-keys.ts'
import database from '../../../plugins/database/index.ts'
import { postgres } from '../../harness/postgres.ts'
import { keyStorePromises } from './key-store-promises.ts'
import { start } from './world.ts'

const { url } = await postgres()
const running = await testPlugin(database, { config: { url } })
await up(running.services.database.knex)
test.after(() => running.stop())

const store = new PostgresKeyStore(running.services.database)
keyStorePromises(test, 'Postgres', () => store)

test('the plugin keeps its keys in the database', async () => {
  const auth = await start({}, { database: running.services.database })
  const as = { subject: 'zoe', scopes: [] }
  const reply = await auth.inject({ method: 'POST', url: '/auth/keys', body: { name: 'ci' }, as })
  const { id, key } = reply.json() as { id: string; key: string }
  const headers = { authorization: `Bearer ${key}` }

  const list = await auth.inject({ url: '/auth/keys', headers })

  assert.is(list.status, 200)
  assert.is((list.json() as { items: { id: string }[] }).items[0]?.id, id)
  await auth.stop()
})

test.run()
