import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'

import { binary } from './binaries.ts'
import { adopt, adoptFolder, atEnd, end } from './ending.ts'
import { listening, sparePort } from './ports.ts'
import type { RedisServer } from './redis-server.ts'
import { privateRedis } from './redis.ts'

/** A master with one replica, and the Sentinels that promote the replica when the master is gone. */
export interface WatchedRedis {
  /** The name under which the Sentinels know the master. */
  readonly name: string
  /** The master of the start: kill it with SIGKILL, and the replica is the master one to two seconds later. */
  readonly master: RedisServer
  readonly replica: RedisServer
  /** The Sentinels, as `host:port`: what `redis.sentinels.nodes` takes. */
  readonly nodes: readonly string[]
}

const name = 'main'
const sentinelCount = 3
const quorum = 2
const downAfterMs = 500
const failoverTimeoutMs = 2_000

/** It writes what it learns into its configuration, so each has a folder of its own. */
async function startSentinel(master: RedisServer): Promise<number> {
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
  ]
  const file = join(home, 'sentinel.conf')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = adopt(spawn(program, [file, '--sentinel'], { cwd: home, stdio: 'ignore' }))
  atEnd(() => end(child, 'SIGKILL'))
  const isUp = await listening(port, () => child.exitCode === null)
  if (!isUp) throw new Error(`the Sentinel did not start on port ${port}`)
  return port
}

/** Until each Sentinel knows the others and the replica, none of them can promote it. */
async function isAgreed(port: number): Promise<boolean> {
  const client = new Redis({ port, host: '127.0.0.1' })
  try {
    const flat = (await client.call('SENTINEL', 'MASTER', name)) as string[]
    const fact = (key: string) => Number(flat[flat.indexOf(key) + 1])
    return fact('num-slaves') === 1 && fact('num-other-sentinels') === sentinelCount - 1
  } finally {
    client.disconnect()
  }
}

async function untilAgreed(ports: readonly number[]): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await Promise.all(ports.map(isAgreed))).every(Boolean)) return
    await sleep(50)
  }
  throw new Error('the Sentinels did not find each other and the replica within 30 s')
}

/** Ready to fail over when it resolves. All of it ends with the tests; skips where no redis-server is. */
export async function watchedRedis(): Promise<WatchedRedis> {
  const master = await privateRedis()
  const following = ['--replicaof', `127.0.0.1 ${master.port}`, '--repl-diskless-sync-delay', '0']
  const replica = await privateRedis(following)
  const ports: number[] = []
  for (let i = 0; i < sentinelCount; i++) ports.push(await startSentinel(master))
  await untilAgreed(ports)
  return { name, master, replica, nodes: ports.map((port) => `127.0.0.1:${port}`) }
}
