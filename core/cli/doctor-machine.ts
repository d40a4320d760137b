import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

import semver from 'semver'

import { packageRoot } from '../package-root.ts'
import type { Finding } from '../plugin.ts'

const MiB = 1024 * 1024
/** Below it a busy server is soon killed by the system. */
const leastMemory = 128 * MiB
/** A connection is a file, and so is every one to Postgres and Redis. */
const [fewFiles, tooFewFiles] = [1_024, 256]

/** What the server stands on, whatever its manifest says. */
export const examineMachine = (): readonly Finding[] => [runtime(), memory(), openFiles()]

function runtime(): Finding {
  const check = 'runtime'
  const { node, deno } = process.versions as Readonly<Record<string, string | undefined>>
  const saw = deno === undefined ? `node ${node}` : `deno ${deno}`
  const isGood =
    deno === undefined ? semver.satisfies(node ?? '', range()) : semver.gte(deno, '2.0.0')
  if (isGood) return { check, verdict: 'ok', saw }
  return { check, verdict: 'failed', saw, fix: `install Node ${range()} or Deno 2` }
}

function range(): string {
  const text = readFileSync(new URL('package.json', packageRoot()), 'utf8')
  return (JSON.parse(text) as { engines: { node: string } }).engines.node
}

function memory(): Finding {
  const free = Math.min(freemem(), leftInContainer())
  const seen = { check: 'memory', saw: `${Math.round(free / MiB)} MiB are free` }
  if (free >= leastMemory) return { ...seen, verdict: 'ok' }
  return { ...seen, verdict: 'warning', fix: 'give the machine or the container more memory' }
}

/** By cgroup 2; without a limit, or where there is none, it is not the container that limits. */
function leftInContainer(): number {
  const [most, used] = ['memory.max', 'memory.current'].map((name) =>
    Number(readText(`/sys/fs/cgroup/${name}`) ?? Number.NaN),
  )
  const left = (most ?? Number.NaN) - (used ?? Number.NaN)
  return Number.isNaN(left) ? Infinity : left
}

function openFiles(): Finding {
  const check = 'open files'
  const text = readText('/proc/self/limits')
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(text ?? '')?.[1]
  if (limit === undefined) return { check, verdict: 'skipped', saw: 'this system does not tell' }
  const saw = `${limit} may be open`
  if (limit === 'unlimited' || Number(limit) >= fewFiles) return { check, verdict: 'ok', saw }
  const fix = `raise the limit: ulimit -n 65536, LimitNOFILE=65536 in a systemd unit, or ulimits in compose`
  return { check, verdict: Number(limit) < tooFewFiles ? 'failed' : 'warning', saw, fix }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
