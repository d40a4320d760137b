import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { isProblem } from 'autodocops'
import type { AppView, Clock, Finding } from 'autodocops'
import pg from 'pg'

import { answers, socketIn } from './claim.ts'
import type { DatabaseConfig } from './config.ts'
import { connectionOf, placeOf } from './connection.ts'
import { adviceOn, reasonOf } from './faults.ts'
import type { MigrationRunner } from './migrator.ts'
import type { DatabaseConnections } from './service.ts'

interface Needs {
  readonly config: DatabaseConfig
  readonly connections: DatabaseConnections
  readonly migrations: MigrationRunner
  readonly app: AppView
  readonly clock: Clock
}

/** The oldest that its makers still mend. */
const oldestMajor = 14
const [oddSkewMs, badSkewMs] = [2_000, 60_000]

/** Is it there, of which version, with which clock, and how far are its migrations? Changes nothing. */
export async function examine(needs: Needs): Promise<readonly Finding[]> {
  const { connections, clock } = needs
  const closed = await closedOf(connections)
  if (closed !== undefined) return [{ check: 'database', verdict: 'skipped', saw: closed }]
  const begun = clock.now()
  const asked = await ask(needs)
  if (!('version' in asked)) return [asked]
  // What the round trip took lies on both sides of its moment.
  const skewMs = asked.now - (begun + clock.now()) / 2
  return [versionOf(connections, asked.version), skewOf(skewMs), ...(await pendingOf(needs))]
}

/** Why the embedded database cannot be asked: whoever opened it would have it. */
async function closedOf({ kind, embedded }: DatabaseConnections): Promise<string | undefined> {
  if (kind === 'postgres') return undefined
  const { directory, shownDirectory } = embedded
  if (!existsSync(join(directory, 'data'))) {
    return `the embedded one is made in ${shownDirectory} at the first start`
  }
  if (await answers(socketIn(directory))) return undefined
  return `no server has the embedded one in ${shownDirectory} open`
}

/** Past the pool, whose errors are for clients and say less. */
async function ask({ config, connections }: Needs) {
  const client = new pg.Client(connectionOf(config, connections.embedded.directory, 'requests'))
  client.on('error', () => undefined) // told by the query
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string; now: number }>(
      `select current_setting('server_version') as version,
         (extract(epoch from clock_timestamp()) * 1000)::float8 as now`,
    )
    const [row] = rows
    return { version: row?.version ?? '', now: row?.now ?? 0 }
  } catch (error) {
    return unreachable(config, connections, error)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function unreachable(config: DatabaseConfig, { kind }: DatabaseConnections, error: unknown) {
  const place = kind === 'pglite' ? 'the embedded database' : placeOf(config)
  const saw = `${place} cannot be used: ${reasonOf(error)}`
  return { check: 'database', verdict: 'failed', saw, fix: adviceOn(error) } as const
}

function versionOf(connections: DatabaseConnections, version: string): Finding {
  const check = 'database'
  const name = connections.kind === 'pglite' ? 'the embedded Postgres' : 'PostgreSQL'
  const saw = `${name} ${version} answers`
  if (Number.parseInt(version, 10) >= oldestMajor) return { check, verdict: 'ok', saw }
  return { check, verdict: 'warning', saw, fix: `upgrade to Postgres ${oldestMajor} or later` }
}

function skewOf(skewMs: number): Finding {
  const check = 'clock of the database'
  const size = Math.abs(skewMs)
  const saw = `${(size / 1_000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`
  if (size < oddSkewMs) return { check, verdict: 'ok', saw }
  const fix = 'let NTP set the clocks of both machines (timedatectl set-ntp true)'
  return { check, verdict: size < badSkewMs ? 'warning' : 'failed', saw, fix }
}

async function pendingOf({ app, migrations, config }: Needs): Promise<readonly Finding[]> {
  const check = 'migrations'
  try {
    const pending: string[] = []
    for (const { plugin, directory } of app.migrations()) {
      const state = await migrations.state(plugin, directory)
      pending.push(...state.pending.map((name) => `${plugin}/${name}`))
    }
    if (pending.length === 0) return [{ check, verdict: 'ok', saw: 'all are applied' }]
    const saw = `${pending.length} pending: ${pending.join(', ')}`
    if (config.migrate === 'auto')
      return [{ check, verdict: 'ok', saw: `${saw}; start applies them` }]
    return [{ check, verdict: 'failed', saw, fix: 'autodocops backup, then autodocops migrate up' }]
  } catch (error) {
    const saw = error instanceof Error ? error.message : String(error)
    const fix =
      (isProblem(error) ? error.hint : undefined) ?? 'autodocops migrate status tells more'
    return [{ check, verdict: 'failed', saw, fix }]
  }
}
