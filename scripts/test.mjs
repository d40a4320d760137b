#!/usr/bin/env node
/**
 * `npm test`: builds, then runs each test file in a process of its own. With CI=true what is skipped has
 * failed.
 */
import { parseArgs } from 'node:util'

import { build } from './build.mjs'
import { runsOn, testFiles, tierOf, tiers } from './runner/files.mjs'
import { closingLine, reportFile, reportRun } from './runner/report.mjs'
import { killAll, runFile } from './runner/run-file.mjs'
import { defaultRuntimes, runtime, runtimeNames } from './runner/runtimes.mjs'
import { Services } from './runner/services.mjs'

const usage = `npm test [-- words of a path …] [options]

  --runtime   ${runtimeNames.join(', ')}; without it ${defaultRuntimes().join(', ')}
  --tier      ${tiers.join(', ')}; without it fast, real
  --jobs      files at a time; without it 2`

const began = performance.now()
const { filter, names, wanted, jobs } = readArguments()
const isGood = build({ withTests: true })
const found = await Promise.all(names.map(runtime))
const queue = plan(found.filter(({ missing }) => !missing))
const missing = found.filter((one) => one.missing)
const services = new Services()
onInterrupt()
if (queue.some(({ tier }) => tier !== 'fast')) await services.start()
const results = []
await Promise.all(Array.from({ length: jobs }, work))
await services.stop()
reportRun(results, missing, performance.now() - began)
const totals = addUp()
console.log(closingLine(totals))
process.exitCode = totals.failed > 0 ? 1 : 0

function readArguments() {
  const { values, positionals } = parseOrExplain()
  return {
    filter: positionals,
    names: known(values.runtime, runtimeNames),
    wanted: known(values.tier, tiers),
    jobs: Number(values.jobs),
  }
}

function parseOrExplain() {
  const options = {
    runtime: { type: 'string', default: defaultRuntimes().join() },
    tier: { type: 'string', default: 'fast,real' },
    jobs: { type: 'string', default: '2' },
    help: { type: 'boolean', default: false },
  }
  try {
    const parsed = parseArgs({ allowPositionals: true, options })
    if (!parsed.values.help) return parsed
    console.log(usage)
    process.exit(0)
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

function known(list, all) {
  const given = list.split(',')
  const unknown = given.filter((name) => !all.includes(name))
  if (unknown.length === 0) return given
  console.error(`Unknown: ${unknown.join(', ')}. There are: ${all.join(', ')}`)
  process.exit(2)
}

/** What is to run where. A tier that runs on one runtime runs there whichever runtime was asked for. */
function plan(runtimes) {
  const files = testFiles()
    .filter((file) => wanted.includes(tierOf(file)))
    .filter((file) => filter.length === 0 || filter.some((word) => file.includes(word)))
  if (files.length === 0) {
    console.error('No test file matches.')
    process.exit(2)
  }
  return files.flatMap((file) =>
    runtimes
      .filter(({ name }) => runsOn(file, name) || (names.length === 1 && name === names[0]))
      .map((one) => ({ file, tier: tierOf(file), runtime: one })),
  )
}

async function work() {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const env = next.tier === 'fast' ? { TEST_DATABASE_URL: '', TEST_REDIS_URL: '' } : services.env
    const result = { tier: next.tier, ...(await runFile(next.file, next.runtime, env)) }
    results.push(result)
    reportFile(result)
  }
}

function addUp() {
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0)
  const skipped = total('skipped') + missing.length
  const isCi = process.env.CI === 'true'
  return {
    passed: total('passed') + Number(isGood),
    failed: total('failed') + Number(!isGood) + (isCi ? skipped : 0),
    skipped: isCi ? 0 : skipped,
  }
}

function onInterrupt() {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      killAll()
      void services.stop().finally(() => process.exit(130))
    })
  }
}
