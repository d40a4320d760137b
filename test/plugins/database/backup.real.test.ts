import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Command, CommandIo } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import database from '../../../plugins/database/index.ts'
import { embeddedFolder } from './embedded-folder.ts'
import { started } from './started.ts'
import type { Started } from './started.ts'

const dataDir = await embeddedFolder()
const file = join(dataDir, 'copy.tar.gz')
const server = await started({ dataDir })
await server.connections.knex.raw('create table kept (a int)')
await server.connections.knex('kept').insert({ a: 1 })

const said: string[] = []
const io: CommandIo = {
  out: (line) => said.push(line),
  err: (line) => said.push(line),
  step: () => undefined,
  json: false,
}

async function run(verb: string, { plugin }: Started, args: Record<string, string>) {
  const command = database.commands[verb] as Command<object> | undefined
  said.length = 0
  return command?.run(plugin.services, args, io)
}

test('a backup is made while a server has the database open', async () => {
  const command = await started({ dataDir, role: 'command' })

  assert.is(await run('backup', command, { file }), 0)

  assert.match(said.join(), /copy\.tar\.gz: \d{6,} bytes/)
  await command.plugin.stop()
})

test('restore is refused while a server has the database open', async () => {
  const command = await started({ dataDir, role: 'command' })

  assert.is(await run('restore', command, { file }), 1)

  assert.match(said.join(), 'stop it first')
  await command.plugin.stop()
  await server.connections.knex('kept').insert({ a: 2 })
  await server.plugin.stop()
})

test('restore brings back what the backup holds, and keeps what was there', async () => {
  const command = await started({ dataDir, role: 'command' })

  assert.is(await run('restore', command, { file }), 0)

  assert.equal(await command.connections.knex('kept').pluck('a'), [1])
  assert.match(said.join(), 'data.before-')
  const kept = (await readdir(join(dataDir, 'pglite'))).filter((name) => name.includes('before'))
  assert.is(kept.length, 1)
  await command.plugin.stop()
})

test('restore of a file that was cut says so, and leaves the database and its folder as they were', async () => {
  const cut = join(dataDir, 'cut.tar.gz')
  const copy = await readFile(file)
  await writeFile(cut, copy.subarray(0, copy.length / 2))
  const before = await readdir(join(dataDir, 'pglite'))
  const command = await started({ dataDir, role: 'command' })

  const refused = await run('restore', command, { file: cut }).then(
    () => 'restored',
    (error: Error) => error.message,
  )
  const kept = await command.connections.knex('kept').pluck<number[]>('a')
  await command.plugin.stop()

  assert.match(refused, /cut\.tar\.gz is no whole backup/)
  assert.equal(kept, [1])
  assert.equal(await readdir(join(dataDir, 'pglite')), before)
})

test('restore says that a file is not there', async () => {
  const command = await started({ dataDir, role: 'command' })

  assert.is(await run('restore', command, { file: join(dataDir, 'none') }), 1)

  assert.match(said.join(), 'there is no file')
  await command.plugin.stop()
  await rm(dataDir, { recursive: true })
})

test.run()
