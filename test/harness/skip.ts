import process from 'node:process'

/**
 * Ends this test file here, loudly: the runner counts the line as skipped, and as failed in CI.
 * Only for what the machine lacks, never for a test that does not pass.
 */
export function skip(needs: string, bring: string): never {
  tellSkipped(needs, bring)
  process.exit(0)
}

/** For a part of a file: counted and told alike, and the rest of the file runs. */
export function tellSkipped(needs: string, bring: string): void {
  console.log(`# skipped: needs ${needs}. To run it: ${bring}`)
}
