import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'

import { binary } from './binaries.ts'
import { adopt, adoptFolder, atEnd, end } from './ending.ts'
import { listening, sparePort } from './ports.ts'
import type { RedisServer } from './redis-server.ts'
import type { OnlyTls } from './redis.ts'
import { privateRedis } from './redis.ts'

/** A master with one replica, and the Sentinels that promote the replica when the master is gone. */
export interface WatchedRedis {
  /** The name under which the Sentinels know the master. */
  readonly name: string
  /** The master of the start: kill it with SIGKILL, and the replica is the master two to four seconds later. */
  readonly master: RedisServer
  readonly replica: RedisServer
  /** The Sentinels, as `host:port`: what `redis.sentinels.nodes` takes. */
  readonly nodes: readonly string[]
  /** The processes of `nodes`, in the same order: hang one with SIGSTOP. */
  readonly sentinels: readonly ChildProcess[]
}

interface Sentinel {
  readonly port: number
  readonly child: ChildProcess
}

const name = 'main'
const sentinelCount = 3
const quorum = 2
/** A machine that stands still for half a second is no reason to fail over. */
const downAfterMs = 1_500
const failoverTimeoutMs = 2_000

/** It writes what it learns into its configuration, so each has a folder of its own. */
async function startSentinel(master: RedisServer, tls?: OnlyTls): Promise<Sentinel> {
  const program = binary('redis-server') ?? 'redis-server'
  const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-sentinel-')))
  const port = await sparePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${home}`,
    `sentinel monitor ${name} 127.0.0.1 ${master.port} ${quorum}`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} ${failoverTimeoutMs}`,
    ...linesOf(tls?.options(port) ?? []),
  ]
  const file = join(home, 'sentinel.conf')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = adopt(spawn(program, [file, '--sentinel'], { cwd: home, stdio: 'ignore' }))
  atEnd(() => end(child, 'SIGKILL'))
  const isUp = await listening(port, () => child.exitCode === null)
  if (!isUp) throw new Error(`the Sentinel did not start on port ${port}`)
  return { port, child }
}

/** Options of the command line, as lines of a configuration. */
const linesOf = (options: readonly string[]): string[] =>
  options.flatMap((option, i) =>
    option.startsWith('--') ? [`${option.slice(2)} ${options[i + 1] ?? ''}`] : [],
  )

/** Until each Sentinel knows the others and the replica, none of them can promote it. */
async function isAgreed(port: number, tls?: OnlyTls): Promise<boolean> {
  const own = tls ? { tls: { ca: tls.authority } } : {}
  const client = new Redis({ port, host: '127.0.0.1', ...own })
  try {
    const flat = (await client.call('SENTINEL', 'MASTER', name)) as string[]
    const fact = (key: string) => Number(flat[flat.indexOf(key) + 1])
    return fact('num-slaves') === 1 && fact('num-other-sentinels') === sentinelCount - 1
  } finally {
    client.disconnect()
  }
}

async function untilAgreed(ports: readonly number[], tls?: OnlyTls): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    if ((await Promise.all(ports.map((port) => isAgreed(port, tls)))).every(Boolean)) return
    await sleep(50)
  }
  throw new Error('the Sentinels did not find each other and the replica within 60 s')
}

/** Ready to fail over when it resolves. All of it ends with the tests; skips where no redis-server is. */
export async function watchedRedis(tls?: OnlyTls): Promise<WatchedRedis> {
  const own = (port: number) => tls?.options(port) ?? []
  const master = await privateRedis(own)
  const following = ['--replicaof', `127.0.0.1 ${master.port}`, '--repl-diskless-sync-delay', '0']
  const replica = await privateRedis((port) => [...following, ...own(port)])
  const sentinels: Sentinel[] = []
  for (let i = 0; i < sentinelCount; i++) sentinels.push(await startSentinel(master, tls))
  const ports = sentinels.map(({ port }) => port)
  await untilAgreed(ports, tls)
  return {
    name,
    master,
    replica,
    nodes: ports.map((port) => `127.0.0.1:${port}`),
    sentinels: sentinels.map(({ child }) => child),
  }
}
