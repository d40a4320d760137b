import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { CommandIo, ProblemError } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../../plugins/database/config.ts'
import { shownUrlOf } from '../../../plugins/database/connection.ts'
import { DatabaseEvents } from '../../../plugins/database/contract.ts'
import database from '../../../plugins/database/index.ts'
import { postgres } from '../../harness/postgres.ts'
import { until } from '../../harness/until.ts'
import { migrationFolder, running } from './migration-folder.ts'
import { migratorFacts } from './migrator-facts.ts'
import { codeOf, started } from './started.ts'
import type { Started } from './started.ts'

const { url } = await postgres()
const start = (config: unknown = {}) => started({}, { url, ...(config as object) })
const main = await start()
const { knex } = main.connections

migratorFacts(test, () => main, start)

test('what it runs on is said with its version and without its password', () => {
  assert.match(main.connections.describe(), /^PostgreSQL \d+\.\d+ at [\w.-]+:\d+\/test_\w+$/)
})

test('Postgres’ own tools are pointed to its server, as its user, without the password', () => {
  const at = (given: unknown) => shownUrlOf(config.parse(given))

  assert.is(at({ url: 'postgres://ann:hidden@db:6543/api' }), 'postgres://ann@db:6543/api')
  assert.is(at({ url: 'postgres://db/api' }), 'postgres://db:5432/api')
  assert.is(at({ host: 'db', password: 'hidden' }), 'postgres://postgres@db:5432/autodocops')
})

test('backup names the line of pg_dump', async () => {
  const said: string[] = []
  const say = (line: string) => void said.push(line)
  const io: CommandIo = { out: say, err: say, step: say, json: false }
  const { username, host, pathname } = new URL(url)

  const code = await database.commands['backup']?.run(main.plugin.services as never, {}, io)

  assert.is(code, 1)
  assert.match(said.join(), `pg_dump --format=custom`)
  assert.match(said.join(), `--dbname='postgres://${username}@${host}${pathname}'`)
})

test('an int8 is a number where it fits, and text where it does not', async () => {
  const { rows } = await knex.raw('select 42::int8 as small, 9007199254740993::int8 as large')

  assert.equal(rows, [{ small: 42, large: '9007199254740993' }])
})

test('deadlines are given to the server when connecting', async () => {
  const short = await start({ deadlines: { statement: '1500ms' } })

  const { rows } = await short.connections.knex.raw('show statement_timeout')

  assert.equal(rows, [{ statement_timeout: '1500ms' }])
  await short.plugin.stop()
})

test('a statement that takes too long is a problem, and its connection is used again', async () => {
  const short = await start({ deadlines: { statement: '1s' }, pool: { max: 1 } })
  const pid = async () => {
    const { rows } = await short.connections.knex.raw('select pg_backend_pid() as pid')
    return (rows as { pid: number }[])[0]?.pid
  }
  const before = await pid()

  assert.is(await codeOf(short.connections.knex.raw('select pg_sleep(5)')), 'database_timeout')

  assert.is(await pid(), before)
  await short.plugin.stop()
})

test('when every connection is taken, waiting ends with database_busy', async () => {
  const small = await start({ pool: { max: 1 }, deadlines: { poolWait: '1s' } })
  const taken = await small.connections.knex.transaction()

  assert.is(await codeOf(small.connections.knex.raw('select 1')), 'database_busy')
  assert.is((await small.connections.check()).status, 'warn')

  await taken.rollback()
  assert.is((await small.connections.check()).status, 'pass')
  await small.plugin.stop()
})

/** As somebody to whom the server gives one connection and no more. */
async function withOne(check: (one: Started) => Promise<void>): Promise<void> {
  const role = `one_${randomUUID().slice(0, 8)}`
  const asRole = Object.assign(new URL(url), { username: role, password: role })
  await knex.raw(`create role ${role} login password '${role}' connection limit 1`)
  const deadlines = { poolWait: '10s' }
  const one = await start({ url: String(asRole), pool: { max: 10 }, deadlines, migrate: 'never' })
  await check(one).finally(() => one.plugin.stop())
  await knex.raw(`drop role ${role}`)
}

test('a server that has no connection left is waited for, until one of ours comes free', () =>
  withOne(async ({ connections }) => {
    const nap = () => connections.knex.raw('select pg_sleep(0.05)')

    await Promise.all(Array.from({ length: 8 }, nap))
  }))

test('when the one that there is stays taken, it is told so', () =>
  withOne(async ({ connections }) => {
    const taken = await connections.knex.transaction()

    const refused = await codeOf(connections.knex.raw('select 1'))

    await taken.rollback()
    assert.is(refused, 'database_unavailable')
  }))

test('values of a failing statement stay out of its error', async () => {
  const error: unknown = await knex
    .raw('select ?::int', ['sk_live_canary'])
    .catch((failure: unknown) => failure)

  assert.is((error as { code: string }).code, '22P02')
  assert.not.match(String(error).replace(/invalid input.*$/, ''), 'sk_live_canary')
})

test('a notice that is sent is heard, until listening ends', async () => {
  const heard: string[] = []
  const end = main.connections.listen('news', (payload) => heard.push(payload))
  await until(async () => {
    await knex.raw("select pg_notify('news', 'first')")
    return heard.length > 0
  })
  end()
  const before = heard.length
  await knex.raw("select pg_notify('news', 'second')")
  await sleep(100)

  assert.is(heard[0], 'first')
  assert.is(heard.length, before)
})

test('a query is told with its kind and its table', async () => {
  const told = main.plugin.heard(DatabaseEvents, 'database:query-finished')
  await knex.raw('create table told (a int unique)')
  await knex('told').insert({ a: 1 })
  await codeOf(knex('told').insert({ a: 1 }))

  assert.equal(
    told.map(({ operation, table, error }) => [operation, table, error]),
    [
      ['other', 'none', undefined],
      ['insert', 'told', undefined],
      ['insert', 'told', 'constraint'],
    ],
  )
})

test('twenty instances that boot at once all come up, and each migration runs once', async () => {
  const folder = await migrationFolder({
    '0001-create.js': running('create table crowd_things (a int)', 'select pg_sleep(0.2)'),
    '0002-fill.js': running('insert into crowd_things values (1)'),
  })
  const instances = await Promise.all(Array.from({ length: 20 }, () => start({ pool: { max: 2 } })))
  // All find the table of notes missing before the first has made it.
  await Promise.all(instances.map(({ migrations }) => migrations.state('crowd', folder)))

  const applied = await Promise.all(
    instances.map(({ migrations }) => migrations.apply('crowd', folder)),
  )

  assert.equal(applied.flat(), ['0001-create', '0002-fill'])
  assert.equal(await knex('crowd_things').pluck('a'), [1])
  await Promise.all(instances.map(({ plugin }) => plugin.stop()))
})

for (const [what, at, reason, hint] of [
  ['a database that does not exist', '/nowhere', /database "nowhere" does not exist/, /createdb/],
  ['a port where nobody listens', '//localhost:1/x', /ECONNREFUSED/, /start that Postgres/],
] as const)
  test(`${what} is waited for in vain, and told with what to do`, async () => {
    const wrong = new URL(at, url.replace('postgres:', 'http:')).href.replace('http:', 'postgres:')
    const failed = await started({ startBudgetMs: 2_300 }, { url: wrong }).catch(
      (error: unknown) => error as ProblemError,
    )

    assert.instance(failed, Error)
    const { code, message, hint: advice } = failed as ProblemError
    assert.is(code, 'database_unavailable')
    assert.match(message, reason)
    assert.match(advice ?? '', hint)
  })

test('the database is closed', async () => {
  await main.plugin.stop()
})

test.run()
