/** The test files, and which tier each belongs to. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * - fast: no server; on every runtime
 * - real: real servers, faults, a browser; on Node 24, everywhere where the name says so
 * - soak: long; by hand
 */
export function tierOf(file) {
  if (file.startsWith('test/soak/')) return 'soak'
  const isReal = /^test\/(fault|browser)\//.test(file) || file.endsWith('.real.test.ts')
  return isReal ? 'real' : 'fast'
}

export const tiers = ['fast', 'real', 'soak']

export const runsOn = (file, runtime) =>
  tierOf(file) === 'fast' || runtime === 'node24' || file.includes('.everywhere.')

/** All of them, real ones first: they are the long ones, and the short ones fill the gaps at the end. */
export const testFiles = () =>
  readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => `test/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.test.ts'))
    .sort((a, b) => tierOf(b).localeCompare(tierOf(a)) || a.localeCompare(b))
