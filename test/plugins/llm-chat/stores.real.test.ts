import knex from 'knex'
import { knexSnakeCaseMappers } from 'objection'
import { Redis } from 'ioredis'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { TestClock } from 'autodocops/testing'

import { RedisAdmission } from '../../../plugins/llm-chat/admission-redis.ts'
import { PostgresConversations } from '../../../plugins/llm-chat/conversations-postgres.ts'
import { PostgresLedger } from '../../../plugins/llm-chat/ledger-postgres.ts'
import { down, up } from '../../../plugins/llm-chat/migrations/0001-create-chat.ts'
import { postgres } from '../../harness/postgres.ts'
import { redis } from '../../harness/redis.ts'
import { admissionConformance } from './admission-conformance.ts'
import { conversationsConformance } from './conversations-conformance.ts'
import { ledgerConformance } from './ledger-conformance.ts'

const db = knex({
  client: 'pg',
  connection: (await postgres()).url,
  pool: { min: 0, max: 5 },
  ...knexSnakeCaseMappers(),
})
await up(db)
const database = {
  kind: 'postgres',
  knex: db,
  bind: (model: { bindKnex: (to: unknown) => unknown }) => model.bindKnex(db),
  listen: () => () => undefined,
} as never

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

ledgerConformance('postgres', async () => new PostgresLedger({ database }))
conversationsConformance('postgres', async () => new PostgresConversations({ database }))
admissionConformance(
  'redis',
  async () =>
    new RedisAdmission({ redis: connections(() => client), clock: new TestClock(), log: silent }),
)
admissionConformance('memory, while redis is down', async () => {
  const down_ = () => ({ eval: () => Promise.reject(new Error('down')) })
  return new RedisAdmission({ redis: connections(down_), clock: new TestClock(), log: silent })
})

test('the migration can be taken back and applied again', async () => {
  await down(db)
  await up(db)

  assert.is(await db.schema.hasTable('llm_chat_generations'), true)
})

test.after(async () => {
  await db.destroy()
  client.disconnect()
})

test.run()
