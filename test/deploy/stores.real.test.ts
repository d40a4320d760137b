/**
 * `docker compose up postgres redis`, then `npm start` beside them, without an engine: a Postgres that is set up by
 * what its container is given, a Redis by the command of its container, and the server by a first .env alone.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import pg from 'pg'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder, atEnd } from '../harness/ending.ts'
import { startPostgres } from '../harness/postgres-server.ts'
import { startServer } from '../harness/process.ts'
import { privateRedis } from '../harness/redis.ts'
import { skip } from '../harness/skip.ts'
import { development, environmentOf, production } from './compose-files.ts'

const postgres = await startPostgres()
if (postgres === undefined) skip('a Postgres', 'apt-get install postgresql')
atEnd(postgres.stop)
const redis = await privateRedis(production.services['redis']?.command?.slice(1))

const dotenv: Readonly<Record<string, string>> = {
  DB_HOST: 'localhost',
  DB_PORT: String(postgres.port),
  DB_NAME: 'autodocops',
  DB_USERNAME: 'postgres',
  DB_PASSWORD: 'postgres',
  REDIS_URL: `localhost:${redis.port}`,
}

async function query(url: string, ...statements: readonly string[]): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    const rows: unknown[] = []
    for (const one of statements) rows.push(...(await client.query(one)).rows)
    return rows
  } finally {
    await client.end()
  }
}

/** As the image's entrypoint does: a role with its password, a database, and nobody without the password. */
async function setUp(given: Readonly<Record<string, string>>): Promise<void> {
  const [{ hba_file: rules }] = (await query(postgres?.url ?? '', 'show hba_file')) as [
    { hba_file: string },
  ]
  await query(
    postgres?.url ?? '',
    `alter role ${given['POSTGRES_USER']} password '${given['POSTGRES_PASSWORD']}'`,
    `create database ${given['POSTGRES_DB']}`,
    `copy (select 'host all all all scram-sha-256') to '${rules}'`,
    'select pg_reload_conf()',
  )
}

const urlWith = (password: string) =>
  `postgres://${dotenv['DB_USERNAME']}:${password}@127.0.0.1:${postgres.port}/${dotenv['DB_NAME']}`

test('what .env says leads npm start to the Postgres and the Redis of compose', async () => {
  await setUp(environmentOf('postgres', [production, development], dotenv))
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-stores-')))
  const lines = Object.entries(dotenv).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(home, '.env'), lines.join(''))

  const server = await startServer({ home })
  const project = await fetch(`${server.url}/api/projects/1`)
  const metrics = await (await fetch(`${server.operationsUrl}/metrics`)).text()
  const code = await server.stop()

  assert.is(project.status, 200)
  assert.match(metrics, /^redis_up\{client="\w+"\} 1$/m)
  assert.is(code, 0)
  const seen = await query(
    urlWith('postgres'),
    'select count(*)::int as projects from projects_projects',
  )
  assert.ok((seen[0] as { projects: number }).projects > 0)
})

test('and that Postgres does let nobody in without the password', async () => {
  let refusal: unknown
  await query(urlWith('another')).catch((error: unknown) => (refusal = error))

  assert.match(String(refusal), /password authentication failed/)
})

test.run()
