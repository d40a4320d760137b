#!/usr/bin/env node
/** `npm run check`: format, lint, types, architecture, generated files. All of them run, whatever the first says. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { deno } from './runner/runtimes.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const bin = (name) => join(root, 'node_modules/.bin', name)
/** Deno comes with `npm ci` and reads TypeScript, whatever Node this is. */
const source = [await deno(), 'run', '-A', '--conditions=source']

const checks = {
  format: [bin('oxfmt'), '--check'],
  types: [bin('tsc'), '-p', 'tsconfig.json'],
  browser: [bin('tsc'), '-p', 'tsconfig.browser.json'],
  architecture: [...source, 'test/architecture.test.ts'],
  generated: [process.execPath, 'scripts/generate.mjs', '--check'],
  lint: [bin('oxlint')],
}

function run([program, ...args]) {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const read = (chunk) => (output += chunk)
  child.stdout.setEncoding('utf8').on('data', read)
  child.stderr.setEncoding('utf8').on('data', read)
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ isGood: false, output: message }))
    child.once('close', (code) => resolve({ isGood: code === 0, output }))
  })
}

async function check([name, command]) {
  const began = performance.now()
  const { isGood, output } = await run(command)
  console.log(
    `${isGood ? '✓' : '✗'} ${name.padEnd(12)} ${((performance.now() - began) / 1_000).toFixed(1)} s`,
  )
  // What passes has something to say only when it warns.
  if (!isGood || / warnings?\b(?<!\b0 warnings)/.test(output))
    console.log(output.trimEnd().replace(/^/gm, '  │ '))
  return isGood
}

const queue = Object.entries(checks)
const verdicts = []
async function work() {
  for (let next = queue.shift(); next; next = queue.shift()) verdicts.push(await check(next))
}
await Promise.all([work(), work()])
process.exitCode = verdicts.every(Boolean) ? 0 : 1
