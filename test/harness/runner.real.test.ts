/** The runner judges a file by what it printed and how it ended. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder } from './ending.ts'
import { rootUrl } from './root.ts'

interface Patience {
  readonly limitMs: number
  readonly farewellMs: number
  readonly strayMs: number
}
interface Result {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly why: readonly string[]
}
type RunFile = (file: string, runtime: object, env: object, patience: Patience) => Promise<Result>

const path = new URL('scripts/runner/run-file.mjs', rootUrl).href
const { runFile } = (await import(path)) as { runFile: RunFile }
const folder = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-runner-')))
const runtime = { name: 'this', program: process.execPath, args: (file: string) => [file] }

const patient: Patience = { limitMs: 60_000, farewellMs: 20_000, strayMs: 20_000 }

/** What the runner says of a file with that code. */
async function verdict(code: string, patience: Partial<Patience> = {}): Promise<Result> {
  const file = join(folder, 'a.test.mjs')
  writeFileSync(file, code)
  return runFile(file, runtime, {}, { ...patient, ...patience })
}

const totals = (total: number, passed: number, skipped = 0) =>
  `console.log('  Total:     ${total}\\n  Passed:    ${passed}\\n  Skipped:   ${skipped}\\n  Duration:  1ms');`

test('the tests of a file are counted', async () => {
  const { passed, failed, skipped } = await verdict(`${totals(3, 2, 1)} process.exitCode = 1`)

  assert.equal([passed, failed, skipped], [2, 1, 1])
})

test('a file that runs no test has failed', async () => {
  assert.equal((await verdict('')).why, ['ran no test'])
  assert.equal((await verdict(totals(0, 0))).why, ['ran no test'])
})

test('a file that ends before its tests were counted has failed', async () => {
  assert.match((await verdict('process.exit(3)')).why[0] ?? '', 'ended with 3')
})

test('a file that ends badly though its tests passed has failed', async () => {
  const { passed, failed, why } = await verdict(`${totals(1, 1)} process.exitCode = 4`)

  assert.equal([passed, failed, why], [1, 1, ['ended with 4']])
})

test('a file that says what it lacks is skipped', async () => {
  const { failed, skipped } = await verdict(`console.log('# skipped: needs a moon')`)

  assert.equal([failed, skipped], [0, 1])
})

test('a file that outlives its tests is ended and has failed', async () => {
  const { why } = await verdict(`${totals(1, 1)} setInterval(() => {}, 1000)`, {
    farewellMs: 300,
  })

  assert.match(why[0] ?? '', 'outlives its tests')
})

test('a file that does not end is ended and has failed', async () => {
  const { why } = await verdict('setInterval(() => {}, 1000)', { limitMs: 500 })

  assert.match(why[0] ?? '', 'did not end within 0.5 s')
})

test('a process that a file leaves behind is ended, and the file has failed', async () => {
  const leave = `import { spawn } from 'node:child_process'
    spawn('sleep', ['60'], { stdio: 'ignore' }).unref()`
  const { why } = await verdict(`${leave}\n${totals(1, 1)}`, { strayMs: 300 })

  assert.equal(why, ['leaves a process behind'])
})

test.run()
