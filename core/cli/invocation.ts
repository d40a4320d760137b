import { existsSync } from 'node:fs'
import { relative, sep } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { packageRoot } from '../package-root.ts'

/**
 * How this program is called from `cwd`, as it was called now: `npx autodocops` when a folder has it
 * installed, `scripts/autodocops` in a checkout, else `autodocops`, on the PATH.
 */
export function invocation(cwd: string, script = process.argv[1] ?? ''): string {
  if (script.includes(`${sep}node_modules${sep}`)) return 'npx autodocops'
  const ofCheckout = fileURLToPath(new URL('scripts/autodocops', packageRoot()))
  return existsSync(ofCheckout) ? relative(cwd, ofCheckout) : 'autodocops'
}

/** A text with commands of ours, so that they can be pasted as they stand. */
export const asCalled = (text: string, cwd: string): string =>
  text.replaceAll(/(?<![\w./-]|npx )autodocops (?=[a-z<-])/g, `${invocation(cwd)} `)
