import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { messageOf } from '../instance.ts'
import type { Finding } from '../plugin.ts'

const MiB = 1024 * 1024
const [littleSpace, tooLittleSpace] = [1_024 * MiB, 100 * MiB]

/** The folder of the embedded database and the generated secrets. Nothing is made. */
export function examineData(dataDir: string): readonly Finding[] {
  const folder = existingPart(dataDir)
  return [writable(dataDir, folder), secretsFile(dataDir), space(folder)]
}

/** Itself, or the nearest folder above it that exists: there it would be made. */
function existingPart(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingPart(dirname(path))
}

function writable(dataDir: string, folder: string): Finding {
  const check = 'data folder'
  const fix = `make ${folder} a folder that this user may write, or name another by DATA_DIR`
  if (!statSync(folder).isDirectory()) {
    return { check, verdict: 'failed', saw: `${folder} is a file, not a folder`, fix }
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    return { check, verdict: 'failed', saw: `cannot be written: ${messageOf(error)}`, fix }
  }
  const saw = folder === dataDir ? `${dataDir} can be written` : `${dataDir} can be made`
  return { check, verdict: 'ok', saw }
}

function secretsFile(dataDir: string): Finding {
  const check = 'generated secrets'
  const file = join(dataDir, 'secrets.json')
  const found = statOf(file)
  if (found === undefined) return { check, verdict: 'skipped', saw: `there is no ${file}` }
  const mode = found.mode & 0o777
  const saw = `${file} has the mode 0${mode.toString(8)}`
  if ((mode & 0o077) === 0) return { check, verdict: 'ok', saw }
  const fix = `others on this machine can read it: chmod 600 ${file}`
  return { check, verdict: 'failed', saw, fix }
}

/** `undefined` also when a file stands where the folder should be. */
function statOf(file: string) {
  try {
    return statSync(file)
  } catch {
    return undefined
  }
}

function space(folder: string): Finding {
  const check = 'disk space'
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const saw = `${Math.round(free / MiB)} MiB are free at ${folder}`
  if (free >= littleSpace) return { check, verdict: 'ok', saw }
  const fix = 'make room there, or name a folder on another disk by DATA_DIR'
  return { check, verdict: free < tooLittleSpace ? 'failed' : 'warning', saw, fix }
}
