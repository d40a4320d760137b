import { statSync } from 'node:fs'

import type { CommandIo } from 'autodocops'

import type { DatabaseConfig } from './config.ts'
import { shownUrlOf } from './connection.ts'
import type { DatabaseConnections } from './service.ts'

interface Needs {
  readonly connections: DatabaseConnections
  readonly config: DatabaseConfig
}

type Args = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Postgres has better tools than we could write; they are named with this server's own address. */
function pointTo(tool: string, config: DatabaseConfig, io: CommandIo): number {
  const line = `${tool} --dbname='${shownUrlOf(config)}'`
  if (io.json) io.out(JSON.stringify({ kind: 'postgres', run: line }))
  else io.err(`This database is a Postgres server; its own tools do this. Run:\n  ${line}`)
  return 1
}

export const backup = {
  summary: 'Write a copy of the embedded database to a file, while it is in use',
  positionals: ['[file]'],
  examples: ['autodocops backup', 'autodocops backup before-upgrade.tar.gz'],
  run: async ({ connections, config }: Needs, args: Args, io: CommandIo): Promise<number> => {
    if (connections.kind === 'postgres') {
      return pointTo('pg_dump --format=custom --file=autodocops.dump', config, io)
    }
    const day = new Date().toISOString().slice(0, 19).replaceAll(':', '-')
    const file = String(args['file'] ?? `autodocops-${day}.tar.gz`)
    io.step(`copying the embedded database to ${file}`)
    const bytes = await connections.embedded.backup(file)
    if (bytes > 0)
      io.out(io.json ? JSON.stringify({ file, bytes }) : `${file}: ${String(bytes)} bytes`)
    else io.err(`${file} is empty: the embedded database did not answer`)
    return bytes > 0 ? 0 : 1
  },
}

export const restore = {
  summary: 'Put a backup in the place of the embedded database; what was there is kept beside it',
  positionals: ['file'],
  examples: ['autodocops restore before-upgrade.tar.gz'],
  run: async ({ connections, config }: Needs, args: Args, io: CommandIo): Promise<number> => {
    if (connections.kind === 'postgres') {
      return pointTo('pg_restore --clean --if-exists autodocops.dump', config, io)
    }
    const file = String(args['file'])
    if (statSync(file, { throwIfNoEntry: false }) === undefined) {
      io.err(`there is no file ${file}`)
      return 1
    }
    if (!connections.embedded.isOurs) {
      io.err('a server has the embedded database open; stop it first')
      return 1
    }
    const before = await connections.embedded.restore(file, io.step)
    io.out(io.json ? JSON.stringify({ file, before }) : `${file} is restored; before it: ${before}`)
    return 0
  },
}
