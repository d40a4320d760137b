import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import {
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { binary } from './binaries.ts'
import { adopt, adoptFolder, end } from './ending.ts'
import { sparePort } from './ports.ts'

export interface PostgresServer {
  /** Of a database that holds nothing. */
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly stop: () => Promise<void>
}

/** Postgres refuses to run as root: then it runs as nobody. */
const nobody = { uid: 65_534, gid: 65_534 }
const isRoot = process.getuid?.() === 0
const asWhom = isRoot ? nobody : {}

/** A throw-away server: nothing in it has to survive a power cut. */
const settings = (port: number) =>
  Object.entries({
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: 200,
    shared_buffers: '32MB',
  }).flatMap(([key, value]) => ['-c', `${key}=${value}`])

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'autodocops-postgres-'))
  if (isRoot) chownSync(made, nobody.uid, nobody.gid)
  return adoptFolder(made)
}

/**
 * Starts a private Postgres from the machine's own programs; `undefined` where there are none. With a
 * password it takes nobody without it.
 */
export async function startPostgres(
  password?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PostgresServer | undefined> {
  const initdb = binary('initdb')
  const postgres = binary('postgres')
  if (!initdb || !postgres) return undefined
  const home = folder()
  const data = join(home, 'data')
  const own = ['-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C', '--no-sync']
  const init = [...own, '-A', ...trusted(home, password)]
  // The real path: initdb looks for its postgres beside itself.
  await promisify(execFile)(realpathSync(initdb), init, { cwd: home, ...asWhom })
  const server = await launch(realpathSync(postgres), data, env)
  const url = new URL(server.url)
  url.password = password ?? ''
  return { ...server, url: url.href }
}

function trusted(home: string, password: string | undefined): readonly string[] {
  if (password === undefined) return ['trust']
  const file = join(home, 'password')
  writeFileSync(file, password)
  return ['scram-sha-256', '--pwfile', file]
}

/** It accepts connections before it serves them; the last line of its pid file says when it does. */
async function isReady(data: string, child: ChildProcess): Promise<boolean> {
  const file = join(data, 'postmaster.pid')
  for (let tries = 0; tries < 2_400 && child.exitCode === null; tries++) {
    if (existsSync(file) && /^ready\s*$/m.test(readFileSync(file, 'utf8'))) return true
    await sleep(25)
  }
  return false
}

async function launch(
  program: string,
  data: string,
  env: Readonly<Record<string, string>>,
): Promise<PostgresServer> {
  const port = await sparePort()
  const home = dirname(data)
  const log = openSync(join(home, 'log'), 'a')
  const args = ['-D', data, ...settings(port)]
  const child = adopt(
    spawn(program, args, {
      cwd: home,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
      ...asWhom,
    }),
    'SIGQUIT',
  )
  closeSync(log)
  if (!(await isReady(data, child)))
    throw new Error(`Postgres did not start: ${readFileSync(join(home, 'log'), 'utf8')}`)
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    pid: child.pid ?? 0,
    stop: async () => {
      await end(child, 'SIGINT') // the "fast" shutdown: it does not wait for clients
      rmSync(home, { recursive: true, force: true })
    },
  }
}
