import { existsSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** Debian keeps Postgres' server programs out of PATH; Homebrew and others put them into it. */
const debianPostgres = '/usr/lib/postgresql'
/** Not in the PATH of everybody. */
const daemons = '/usr/sbin'

function folders(): string[] {
  const own = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const path = [...own, daemons]
  if (!existsSync(debianPostgres)) return path
  const versions = readdirSync(debianPostgres).sort((a, b) => Number(b) - Number(a))
  return [...path, ...versions.map((version) => join(debianPostgres, version, 'bin'))]
}

/** Where a program of the machine is, or `undefined`. */
export const binary = (name: string): string | undefined =>
  folders()
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file))
