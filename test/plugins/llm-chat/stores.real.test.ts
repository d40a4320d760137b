import { rm } from 'node:fs/promises'

import { TestClock, testPlugin } from 'autodocops/testing'
import { Redis } from 'ioredis'
import pg from 'pg'
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
import { ageRedis, setNow, settableNow } from './set-clocks.ts'

const { url: postgresUrl } = await postgres()
const owner = new pg.Client({ connectionString: postgresUrl })
await owner.connect()
await owner.query(settableNow)
await owner.end()
const onPostgres = await testPlugin(database, { config: { url: postgresUrl } })
const dataDir = await embeddedFolder()
// It has one session, for which a hundred wait; on a busy machine longer than a request would.
const onPglite = await testPlugin(database, {
  config: { deadlines: { poolWait: '30s' } },
  server: { dataDir },
})
await onPglite.services.database.knex.raw(settableNow)
const databases = Object.entries({ Postgres: onPostgres, PGlite: onPglite })

const { url, prefix } = await redis()
const client = new Redis(url)
const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent } as never
let rounds = 0
/** Two instances over one Redis. */
const admissions = (connection: () => unknown) => {
  const clock = new TestClock()
  const keyPrefix = `${prefix}${(rounds += 1)}:`
  const redisOf = { kind: 'single', keyPrefix, connection, isUp: () => true } as never
  const make = () => new RedisAdmission({ redis: redisOf, clock, log: silent })
  return { clock, keyPrefix, admission: make(), other: make() }
}

// Before the first suite: a file that waits between its suites starts running them too early.
for (const [, { services }] of databases) await up(services.database.knex)
for (const [name, { services }] of databases) {
  ledgerConformance(name, async () => {
    const clock = new TestClock()
    const { knex } = services.database
    return {
      ledger: new PostgresLedger({ ...services, clock }),
      pass: async (ms) => {
        clock.advance(ms)
        await setNow(knex, ms)
      },
      jump: (ms) => setNow(knex, ms),
    }
  })
  conversationsConformance(name, async () => ({
    conversations: new PostgresConversations(services),
    jump: (ms) => setNow(services.database.knex, ms),
  }))
}
admissionConformance('redis', async () => {
  const { clock, keyPrefix, ...two } = admissions(() => client)
  const jump = (ms: number) => ageRedis(client, keyPrefix, ms)
  const pass = async (ms: number) => {
    clock.advance(ms)
    await jump(ms)
  }
  return { ...two, pass, jump }
})
admissionConformance('memory, while redis is down', async () => {
  const down_ = () => ({ eval: () => Promise.reject(new Error('down')) })
  const { clock, admission } = admissions(down_)
  const pass = async (ms: number) => clock.advance(ms)
  return { admission, other: admission, pass, jump: async (ms) => clock.jump(ms) }
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
