/** One test file in a process of its own, judged by what it printed and by how it ended. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { tierOf } from './files.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** A fast file takes seconds; the limit is wide, since a busy machine is no fault of its own. */
const limitMs = { fast: 300_000, real: 600_000, soak: 4 * 3_600_000 }
const patience = (file) => ({
  limitMs: limitMs[tierOf(file)],
  /** From the last test to the end of the process: databases are dropped, servers stopped. */
  farewellMs: 45_000,
  /** From the end of the process to the end of what it started. */
  strayMs: 10_000,
})

/** What a program needs to run, and what is for tests. Not the DATABASE_URL of the person at the keyboard. */
const passed =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TEMP|TMP|SystemRoot|LANG|LC_.*|TZ|TERM|DISPLAY|CI|DENO_.*|XDG_.*|TEST_.*|npm_config_.*|.*_proxy)$/i
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => passed.test(name)),
)

/** Groups of processes that are running now. */
const running = new Set()
export const killAll = () => running.forEach((pid) => signalGroup(pid, 'SIGKILL'))

/** The whole group: a server that a test has started, too. True when there was somebody. */
function signalGroup(pid, signal) {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false // ESRCH: nobody is left
  }
}

export async function runFile(file, runtime, env, patient = patience(file)) {
  const began = performance.now()
  const child = spawn(runtime.program, runtime.args(file), {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  running.add(child.pid)
  const run = { output: '', why: [] }
  const code = await watch(child, run, patient)
  await strays(child, run, patient.strayMs)
  running.delete(child.pid)
  return { file, runtime: runtime.name, ms: performance.now() - began, ...judge(run, code), ...run }
}

/** Until the process has ended, by itself or because its time is up. */
function watch(child, run, { limitMs: limit, farewellMs }) {
  let farewell
  const timer = setTimeout(() => give(child, run, `did not end within ${limit / 1_000} s`), limit)
  const read = (chunk) => {
    run.output += chunk
    if (farewell || !/^\s*Duration:/m.test(run.output)) return
    const open = () => give(child, run, 'outlives its tests: something is still open')
    farewell = setTimeout(open, farewellMs)
  }
  child.stdout.setEncoding('utf8').on('data', read)
  child.stderr.setEncoding('utf8').on('data', read)
  return new Promise((resolve) => {
    child.once('error', (error) => run.why.push(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal))
  }).finally(() => [timer, farewell].forEach(clearTimeout))
}

function give(child, run, why) {
  run.why.push(why)
  signalGroup(child.pid, 'SIGKILL')
}

/** What the file started must be gone with it. */
async function strays(child, run, strayMs) {
  const until = performance.now() + strayMs
  while (signalGroup(child.pid, 0)) {
    if (performance.now() > until) return give(child, run, 'leaves a process behind')
    await sleep(20)
  }
}

const sum = (output, word) =>
  [...output.matchAll(new RegExp(`^\\s*${word}:\\s+(\\d+)\\s*$`, 'gm'))].reduce(
    (total, [, count]) => total + Number(count),
    0,
  )

function judge(run, code) {
  const [total, good, left] = ['Total', 'Passed', 'Skipped'].map((word) => sum(run.output, word))
  const skips = [...run.output.matchAll(/^# skipped: (.+)$/gm)].map(([, reason]) => reason)
  if (run.why.length === 0 && total === 0 && skips.length === 0)
    run.why.push(code === 0 ? 'ran no test' : `ended with ${code} before its tests were counted`)
  if (run.why.length === 0 && code !== 0 && total === good) run.why.push(`ended with ${code}`)
  if (run.why.length === 0 && good < total && !/^\s+FAIL\s/m.test(run.output))
    run.why.push('has a suite whose hook threw, which uvu hides: withToldHooks(suite(…)) tells it')
  return {
    passed: good,
    failed: total - good + run.why.length,
    skipped: left + skips.length,
    skips,
  }
}
