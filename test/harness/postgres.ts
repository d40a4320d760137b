import { randomBytes } from 'node:crypto'
import process from 'node:process'

import pg from 'pg'

import { atEnd } from './ending.ts'
import { once } from './once.ts'
import { startPostgres } from './postgres-server.ts'
import { skip } from './skip.ts'

export interface Database {
  readonly url: string
}

const givenUrl = process.env['TEST_DATABASE_URL']

const own = once(async () => {
  const server = await startPostgres()
  if (!server) skip('a Postgres', 'apt-get install postgresql, or TEST_DATABASE_URL=postgres://…')
  atEnd(server.stop)
  return server.url
})

/** It waits when another file is creating one: Postgres copies a template for one client at a time. */
async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A fresh, empty database of a real Postgres for this file. It is dropped when the file's tests are through. */
export async function postgres(): Promise<Database> {
  const server = givenUrl || (await own())
  const name = `test_${randomBytes(6).toString('hex')}`
  await execute(server, `create database ${name} template template0`)
  if (givenUrl) atEnd(() => execute(server, `drop database if exists ${name} with (force)`))
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href }
}
