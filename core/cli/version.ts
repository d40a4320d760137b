import { packageVersion } from '../package-root.ts'
import { exitCodes, type CliVerb } from './verb.ts'

export const version: CliVerb = {
  summary: 'Print the version',
  positionals: [],
  options: {},
  examples: ['autodocops version', 'autodocops version --json'],
  run: (_args, io) => {
    const found = { autodocops: packageVersion(), runtime: runtime(), platform: process.platform }
    io.out(io.json ? JSON.stringify(found) : `autodocops ${found.autodocops} (${found.runtime})`)
    return exitCodes.done
  },
}

/** Deno also names a Node version, the one that it speaks like. */
function runtime(): string {
  const deno = process.versions['deno']
  return deno === undefined ? `node ${process.versions.node}` : `deno ${deno}`
}
