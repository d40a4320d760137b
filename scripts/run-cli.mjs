import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { build, canBuild, isStale } from './build.mjs'

const main = new URL('../dist/core/cli/main.js', import.meta.url)

/** Runs the command line in this very process, so that a signal reaches it; builds it first when it is stale. */
export async function runCli(words) {
  if (canBuild() && isStale()) {
    process.stderr.write('Building (once) …')
    const began = performance.now()
    const isGood = build()
    process.stderr.write(` ${((performance.now() - began) / 1_000).toFixed(1)} s\n`)
    if (!isGood) process.exit(1)
  }
  if (!existsSync(main)) {
    console.error('There is no dist/, and no compiler to make it. Run: npm ci')
    process.exit(1)
  }
  process.argv = [process.execPath, fileURLToPath(main), ...words]
  await import(main.href)
}
