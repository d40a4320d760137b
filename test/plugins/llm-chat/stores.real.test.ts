import { rm } from 'node:fs/promises'

import { TestClock, testPlugin } from 'autodocops/testing'
import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import database from '../../../plugins/database/index.ts'
import { RedisAdmission } from '../../../plugins/llm-chat/admission-redis.ts'
import { PostgresConversations } from '../../../plugins/llm-chat/conversations-postgres.ts'
import { PostgresLedger } from '../../../plugins/llm-chat/ledger-postgres.ts'
import { down, up } from '../../../plugins/llm-chat/migrations/0001-create-chat.ts'
import { postgres } from '../../harness/postgres.ts'
import { redis } from '../../harness/redis.ts'
import { embeddedFolder } from '../database/embedded-folder.ts'
import { admissionConformance } from './admission-conformance.ts'
import { conversationsConformance } from './conversations-conformance.ts'
import { ledgerConformance } from './ledger-conformance.ts'

const onPostgres = await testPlugin(database, { config: { url: (await postgres()).url } })
const dataDir = await embeddedFolder()
// It has one session, for which a hundred wait; on a busy machine longer than a request would.
const onPglite = await testPlugin(database, {
  config: { deadlines: { poolWait: '30s' } },
  server: { dataDir },
})
const databases = Object.entries({ Postgres: onPostgres, PGlite: onPglite })

const { url, prefix } = await redis()
const client = new Redis(url)
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent } as never
let rounds = 0
const connections = (connection: () => unknown) =>
  ({
    kind: 'single',
    keyPrefix: `${prefix}${(rounds += 1)}:`,
    connection,
    isUp: () => true,
  }) as never

// Before the first suite: a file that waits between its suites starts running them too early.
for (const [, { services }] of databases) await up(services.database.knex)
for (const [name, { services }] of databases) {
  ledgerConformance(name, async () => new PostgresLedger(services))
  conversationsConformance(name, async () => new PostgresConversations(services))
}
admissionConformance(
  'redis',
  async () =>
    new RedisAdmission({ redis: connections(() => client), clock: new TestClock(), log: silent }),
)
admissionConformance('memory, while redis is down', async () => {
  const down_ = () => ({ eval: () => Promise.reject(new Error('down')) })
  return new RedisAdmission({ redis: connections(down_), clock: new TestClock(), log: silent })
})

for (const [name, { services }] of databases)
  test(`${name}: the migration can be taken back and applied again`, async () => {
    const { knex } = services.database
    await down(knex)
    const before = await knex.schema.hasTable('llm_chat_generations')
    await up(knex)

    assert.is(before, false)
    assert.is(await knex.schema.hasTable('llm_chat_generations'), true)
  })

test.after(async () => {
  client.disconnect()
  await onPostgres.stop()
  await onPglite.stop()
  await rm(dataDir, { recursive: true, force: true })
})

test.run()
