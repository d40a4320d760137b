import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { ProblemError } from '../../../core/errors.ts'
import { denoFault } from '../../../plugins/database/deno-sockets.ts'
import { isDeno } from '../../harness/root.ts'
import { until } from '../../harness/until.ts'
import { embeddedFolder } from './embedded-folder.ts'
import { codeOf, started } from './started.ts'

const dataDir = await embeddedFolder()
const main = await started({ dataDir }, { deadlines: { statement: '1500ms', poolWait: '10s' } })
const { knex } = main.connections

async function client(): Promise<pg.Client> {
  const host = join(dataDir, 'pglite')
  const connected = new pg.Client({ host, user: 'postgres', database: 'postgres' })
  connected.on('error', () => undefined)
  await connected.connect()
  return connected
}

test('what it runs on is said with its folder', () => {
  assert.is(main.plugin.services.database.kind, 'pglite')
  assert.is(main.connections.describe(), `embedded PGlite in ${dataDir}/pglite`)
})

test('a Deno that closes the files of others is warned of, another runtime is not', () => {
  const warned = ['2.7.11', '2.7.12', '2.8.3', '2.9.5', '2.9.6', '3.0.0'].filter(
    (version) => denoFault(version) !== undefined,
  )

  assert.equal(warned, ['2.7.12', '2.8.3', '2.9.5'])
  assert.is(
    denoFault() !== undefined,
    main.plugin.logs.some(({ message }) => message === denoFault()),
  )
})

test('what is committed is synced to the disk', async () => {
  const { rows } = await knex.raw('select current_setting(?) as fsync', ['fsync'])

  assert.equal(rows, [{ fsync: 'on' }])
})

test('an int8 is a number where it fits, and text where it does not', async () => {
  const { rows } = await knex.raw('select 42::int8 as small, 9007199254740993::int8 as large')

  assert.equal(rows, [{ small: 42, large: '9007199254740993' }])
})

test('columns in snake_case are members in camelCase', async () => {
  const rows = await knex.select(knex.raw("'x' as created_at"))

  assert.equal(rows, [{ createdAt: 'x' }])
})

test('connections that ask at once get their own answers, in however many pieces they ask', async () => {
  const clients = await Promise.all([client(), client(), client()])
  const long = 'x'.repeat(300_000)
  const ask = async (from: pg.Client, who: number) => {
    for (let round = 0; round < 8; round++) {
      const { rows } = await from.query('select $1::int as who, length($2) as length', [who, long])
      assert.equal(rows, [{ who, length: long.length }])
      const other = await from.query('select $1::text as text', [`${String(who)}/${String(round)}`])
      assert.equal(other.rows, [{ text: `${String(who)}/${String(round)}` }])
    }
  }

  await Promise.all(clients.map(ask))

  await Promise.all(clients.map((each) => each.end()))
})

test('a transaction has the session to itself until it ends', async () => {
  const [one, two] = await Promise.all([client(), client()])
  const order: string[] = []
  await one.query('begin')
  const waiting = two.query('select 1').then(() => order.push('other'))
  await sleep(50)

  await one.query('select 1').then(() => order.push('own'))
  await one.query('commit')
  await waiting

  assert.equal(order, ['own', 'other'])
  await Promise.all([one.end(), two.end()])
})

test('a transaction whose client is gone is rolled back', async () => {
  const [one, two] = await Promise.all([client(), client()])
  await two.query('create table left_behind (a int)')
  await one.query('begin')
  await one.query('insert into left_behind values (1)')

  one.connection.stream.destroy()
  const { rows } = await two.query('select count(*)::int as count from left_behind')

  assert.equal(rows, [{ count: 0 }])
  await two.end()
})

test('a second server on one folder is refused and told what to do', async () => {
  const owner = join(dataDir, 'pglite', 'owner')
  const ours = await readFile(owner, 'utf8')
  await writeFile(owner, 'another process')

  const code = await codeOf(started({ dataDir }))

  await writeFile(owner, ours)
  assert.is(code, 'database_in_use')
})

test('a command uses the database that a server has open', async () => {
  await knex.raw('create table seen (a int)')
  await knex('seen').insert({ a: 7 })

  const command = await started({ dataDir, role: 'command' })
  const rows = await command.connections.knex('seen').select('a')
  await command.plugin.stop()

  assert.equal(rows, [{ a: 7 }])
  assert.equal(await knex('seen').select('a'), [{ a: 7 }])
})

test('a socket path of more than 100 bytes is refused', async () => {
  const long = join(dataDir, 'a-folder-with-a-long-name'.repeat(4))

  assert.is(await codeOf(started({ dataDir: long })), 'database_path_too_long')
})

test('a folder that cannot be made is told as such: no backup helps there', async () => {
  const file = join(dataDir, 'file')
  await writeFile(file, 'no folder')

  const refused = await started({ dataDir: file }).catch((error: unknown) => error as ProblemError)

  assert.instance(refused, Error)
  assert.match(String(refused), `cannot open the embedded database in ${file}/pglite: E`)
  assert.match((refused as ProblemError).hint ?? '', 'DATA_DIR')
})

test('a statement that takes too long is a problem, and the next one is answered', async () => {
  assert.is(await codeOf(knex.raw('select pg_sleep(2)')), 'database_timeout')

  const { rows } = await knex.raw('select 1 as one')

  assert.equal(rows, [{ one: 1 }])
})

// Deno cannot end a thread that is inside WebAssembly; there only a restart of the process helps.
const onNode = (title: string, check: () => Promise<void>) => {
  if (!isDeno) test(title, check)
}

onNode('after a statement that never ends the database is opened anew', async () => {
  const endless = () => knex.raw('select count(*) from generate_series(1, 1e15::int8)')
  assert.is(await codeOf(endless()), 'database_timeout')

  await until(async () => (await codeOf(knex('seen').select('a'))) === 'no error')

  assert.equal(await knex('seen').select('a'), [{ a: 7 }])
})

test('health says that it answers', async () => {
  assert.equal(await main.connections.check(), { status: 'pass' })
})

test('its successor in a reload takes the folder over', async () => {
  const next = await started({ dataDir }, { deadlines: { poolWait: '20s' } })
  assert.equal(await next.connections.knex('seen').count('* as count'), [{ count: 1 }])

  await main.plugin.stop()
  const rows = await next.connections.knex('seen').count('* as count')

  assert.equal(rows, [{ count: 1 }])
  await next.plugin.stop()
  await rm(dataDir, { recursive: true })
})

test.run()
