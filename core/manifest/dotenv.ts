import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'

/** The `.env` of a folder; nothing when there is none. */
export function readDotenv(folder: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseEnv(readFileSync(join(folder, '.env'), 'utf8').replace(/^\uFEFF/, ''))
  } catch (error) {
    if (isAbsence(error)) return {}
    throw error
  }
}

/** A folder named `.env` (a virtual environment of Python) is not ours either. */
export const isAbsence = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ENOENT', 'EISDIR', 'ENOTDIR'].includes(String(error.code))
