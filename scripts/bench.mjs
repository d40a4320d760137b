#!/usr/bin/env node
/** `npm run bench [-- name …]`: the measurements in bench/, each a program of its own; without a name, all. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { node } from './runner/runtimes.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const known = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
const words = process.argv.slice(2)
const asked = words.filter((word) => !word.startsWith('-'))
const unknown = asked.filter((name) => !known.includes(name))

if (unknown.length > 0) {
  console.error(`No such benchmark: ${unknown.join(', ')}. There are: ${known.join(', ')}`)
  process.exit(2)
}
const program = await node(24)
const flags = words.filter((word) => word.startsWith('-'))
for (const name of asked.length > 0 ? asked : known) {
  console.log(`\n── ${name}`)
  const args = ['--conditions=source', '--expose-gc', join('bench', `${name}.bench.ts`), ...flags]
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
