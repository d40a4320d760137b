/**
 * What a reload costs: one key of a leaf plugin changed in the manifest of the whole server; and 10,000 of them.
 * Judged by the time of the thread, so that the rest of a busy machine does not count; the clock stands beside it.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

import { createHost } from '../core/create-host.ts'
import { createLog } from '../core/log.ts'
import { builtInSources } from '../core/sources.ts'
import { hostOf, planOf, pool } from '../test/core/host-fixture.ts'

/** Node 24's, which the types of Node 20 do not know. */
const { threadCpuUsage } = process as unknown as {
  readonly threadCpuUsage: (before?: NodeJS.CpuUsage) => NodeJS.CpuUsage
}

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const rounds = Math.ceil(500 * scale)
const many = Math.ceil(10_000 * scale)
const withinMs = 5
const withinMiB = 5

const silent = createLog({ level: 'silent', pretty: false, stream: { write: () => undefined } })

/** Every plugin but Redis, embedded; `docs` is a leaf, whose own `start` has nothing to do. */
const manifest = (title: string) => `
server: { port: 0, operations: "127.0.0.1:0" }
log: { level: error }
plugins:
  database: true
  cache: true
  sessions: true
  auth: true
  projects: true
  billing: true
  llm-chat: true
  metrics: true
  docs: { config: { title: ${title} } }
`

interface Reload {
  /** From the file on the disk to the report, less what the plugin's own start took. */
  readonly clockMs: number
  readonly threadMs: number
  /** By the clock. */
  readonly planMs: number
}

async function leafReloads(): Promise<readonly Reload[]> {
  const cwd = mkdtempSync(join(tmpdir(), 'bench-reload-'))
  mkdirSync(join(cwd, 'config'))
  const write = (title: string) => writeFileSync(join(cwd, 'config/manifest.yaml'), manifest(title))
  write('First')
  const host = createHost({ cwd, env: {}, log: silent, sources: builtInSources() })
  const reloads: Reload[] = []
  try {
    await host.boot()
    for (let round = -20; round < rounds; round += 1) {
      write(`Round ${round}`)
      const [begun, usage] = [performance.now(), threadCpuUsage()]
      const { started, ms } = await host.reload()
      const tookMs = performance.now() - begun
      const { user, system } = threadCpuUsage(usage)
      if (started.join() !== 'docs') throw new Error(`started ${started.join()}`)
      // The first ones warm up.
      if (round < 0) continue
      const own = host.plugins().find(({ name }) => name === 'docs')?.startMs ?? 0
      const threadMs = (user + system) / 1_000
      reloads.push({ clockMs: tookMs - own, threadMs, planMs: tookMs - ms })
    }
    return reloads
  } finally {
    await host.close(0)
    rmSync(cwd, { recursive: true, force: true })
  }
}

/** MiB of heap that are more after many reloads than before. */
async function heapGrowth(): Promise<number> {
  const leaf = (n: number) => planOf([{ plugin: pool, config: { n } }], { retire: '10m' })
  const { host, plans } = hostOf(leaf(0))
  await host.boot()
  const reload = async (n: number) => {
    plans.next = leaf(n)
    await host.reload()
  }
  for (let n = 1; n <= 200; n += 1) await reload(n)
  const before = await heapBytes()
  for (let n = 1; n <= many; n += 1) await reload(1_000 + n)
  const grown = (await heapBytes()) - before
  await host.close()
  return grown / 1_048_576
}

async function heapBytes(): Promise<number> {
  const { gc } = globalThis as { readonly gc?: () => void }
  await sleep(100)
  gc?.()
  return process.memoryUsage().heapUsed
}

const quantile = (values: readonly number[], q: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? 0

const verdict = (kept: boolean) => (kept ? 'kept' : 'BROKEN')

const reloads = await leafReloads()
const at = (key: keyof Reload, q: number) =>
  quantile(
    reloads.map((one) => one[key]),
    q,
  )
const line = (name: string, key: keyof Reload) =>
  `${name.padEnd(18)}${at(key, 0.5).toFixed(2).padStart(7)}${at(key, 0.99).toFixed(2).padStart(8)}\n`
process.stdout.write(
  `${rounds} reloads of the whole server, one key of docs changed; ms beyond its own start\n\n`,
)
process.stdout.write(`${' '.repeat(18)}    p50     p99\n`)
process.stdout.write(line('thread', 'threadMs') + line('clock', 'clockMs'))
process.stdout.write(`${line('clock, the plan', 'planMs')}\n`)
const p50 = at('threadMs', 0.5)
process.stdout.write(`p50 ≤ ${withinMs} ms: ${p50.toFixed(2)} ${verdict(p50 <= withinMs)}\n`)
const grown = await heapGrowth()
process.stdout.write(
  `heap after ${many} reloads ≤ ${withinMiB} MiB more: ${grown.toFixed(2)} ${verdict(grown <= withinMiB)}\n`,
)
