import process from 'node:process'

import semver from 'semver'

const broken = '>=2.7.12 <2.9.6'

/**
 * What is wrong with this Deno for the embedded database. Those versions close the descriptor of a Unix
 * socket twice; what another thread has opened between the two, such as a file of PGlite, is closed with it.
 */
export function denoFault(
  version: string | undefined = (process.versions as { deno?: string }).deno,
): string | undefined {
  if (version === undefined || !semver.satisfies(version, broken)) return undefined
  return `Deno ${version} closes files of the embedded database by mistake, and may damage it; take Deno 2.9.6 or newer, or Node, or Postgres (DATABASE_URL)`
}
