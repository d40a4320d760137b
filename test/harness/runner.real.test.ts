/** The runner judges a file by what it printed and how it ended, and tells at the end what failed. */
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
const reportPath = new URL('scripts/runner/report.mjs', rootUrl).href
const { reportRun } = (await import(reportPath)) as {
  reportRun: (results: readonly object[], missing: readonly object[], ms: number) => void
}
const folder = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-runner-')))
const runtimesPath = new URL('scripts/runner/runtimes.mjs', rootUrl).href
const { runtime: runtimeOf } = (await import(runtimesPath)) as {
  runtime: (name: string) => Promise<{ readonly args: (file: string) => readonly string[] }>
}
const flags = (await runtimeOf('this')).args('').filter((flag) => flag.startsWith('--import='))
const args = (file: string) => [...flags, file]
const runtime = { name: 'this', program: process.execPath, args }

const patient: Patience = { limitMs: 60_000, farewellMs: 20_000, strayMs: 20_000 }

/** What the runner says of a file with that code. */
async function verdict(code: string, patience: Partial<Patience> = {}): Promise<Result> {
  const file = join(folder, 'a.test.mjs')
  writeFileSync(file, code)
  return runFile(file, runtime, {}, { ...patient, ...patience })
}

const totals = (total: number, passed: number, skipped = 0) =>
  `console.log('  Total:     ${total}\\n  Passed:    ${passed}\\n  Skipped:   ${skipped}\\n  Duration:  1ms');`

const oneFailed = `console.log('   FAIL  "one"'); ${totals(3, 2, 1)} process.exitCode = 1`

test('the tests of a file are counted', async () => {
  const { passed, failed, skipped } = await verdict(oneFailed)

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

/** What is printed at the end, from `Failed` on. */
function endOf(results: readonly Result[]): readonly string[] {
  const lines: string[] = []
  const { log } = console
  console.log = (text: string) => void lines.push(...text.split('\n'))
  try {
    reportRun(
      results.map((result) => ({ tier: 'fast', ...result })),
      [],
      1_000,
    )
  } finally {
    console.log = log
  }
  return lines.slice(lines.indexOf('Failed'))
}

const uvu = (name: string) => JSON.stringify(new URL(`node_modules/uvu/${name}`, rootUrl).href)
const failing = `import { test } from ${uvu('dist/index.mjs')}
  import * as assert from ${uvu('assert/index.mjs')}
  console.log('a word before\\n'.repeat(100))
  test('is well', () => {})
  test('the first', () => assert.is(1, 2, 'one is not two'))
  test('the second', () => assert.unreachable('came here'))
  test.run()`

test('at the end the failures of a file are told again, and nothing else that it printed', async () => {
  const end = endOf([await verdict(failing)])

  const text = end.join('\n')
  for (const told of ['"the first"', 'one is not two', '"the second"', 'came here', 'a.test.mjs:'])
    assert.match(text, told)
  for (const other of ['a word before', 'is well', 'Total:', 'node_modules'])
    assert.not.match(text, other)
  assert.match(end[1] ?? '', /^ {2}this .*a\.test\.mjs$/)
  assert.match(end.at(-1) ?? '', '1 files in')
})

const suiteThat = (hook: string) => `import { suite, test } from ${uvu('dist/index.mjs')}
  const one = ${hook}
  one('the first', () => {})
  one('the second', () => {})
  one.run()`
const throws = `(() => { throw new Error('no moon', { cause: new Error('clouds') }) })`

for (const hook of ['before', 'after.each'])
  test(`what ${hook} throws is told, though uvu drops it`, async () => {
    const result = await verdict(suiteThat(`test; one.${hook}${throws}`))
    const end = endOf([result]).join('\n')

    assert.equal([result.passed, result.failed, result.why], [0, 2, []])
    for (const told of [`FAIL  "${hook}"`, 'no moon', 'a.test.mjs:', 'clouds'])
      assert.match(end, told)
  })

test('a suite of its own whose hook throws has failed, with the way to see why', async () => {
  const { failed, why } = await verdict(suiteThat(`suite('named'); one.before${throws}`))

  assert.is(failed, 3)
  assert.match(why[0] ?? '', 'withToldHooks')
})

test('what a test starts with the flags of its own process is not made a test', async () => {
  const { passed, failed } = await verdict(`if (process.execArgv.length === 0) ${totals(1, 1)}`)

  assert.equal([passed, failed], [1, 0])
})

test('of a file that breaks off its last forty lines are told', async () => {
  const code = `for (let i = 0; i < 60; i++) console.log('line', i); process.exitCode = 3`
  const end = endOf([await verdict(code)])

  assert.match(end[1] ?? '', 'ended with 3 before its tests were counted')
  assert.equal(
    end.slice(2, -2),
    Array.from({ length: 40 }, (_, index) => `  │ line ${index + 20}`),
  )
})

test('a failure that is long is cut, and ten files are told at most', async () => {
  const long = failing.replace('assert.is(1, 2,', 'assert.equal(Array(90).fill(1), [],')
  const result = await verdict(long)

  const lines = endOf(Array.from({ length: 12 }, () => result))

  assert.is(lines.filter((line) => line.startsWith('  this ')).length, 12)
  assert.is(lines.filter((line) => line.startsWith('  │ ')).length, 10 * 40)
  assert.is(lines.filter((line) => line.includes('one is not two')).length, 10)
})

test.run()
