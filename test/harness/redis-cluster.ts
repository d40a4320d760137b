import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'

import { atEnd } from './ending.ts'
import { RedisServer } from './redis-server.ts'

export interface RedisNode {
  readonly host: string
  readonly port: number
}
export interface RedisCluster {
  readonly nodes: readonly RedisNode[]
  readonly stop: () => Promise<void>
}

/** For servers that speak TLS alone. */
export interface OnlyTls {
  /** The options of the command line for a server on this port. */
  readonly options: (port: number) => readonly string[]
  /** The certificate, in PEM, of who signed the servers'. */
  readonly authority: string
}

const masters = 3
const slotCount = 16_384
const busOffset = 10_000
const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '5000']

const slotsOf = (index: number): number[] => {
  const first = Math.floor((slotCount * index) / masters)
  const last = Math.floor((slotCount * (index + 1)) / masters)
  return Array.from({ length: last - first }, (_, slot) => first + slot)
}

async function join(servers: readonly RedisServer[], authority?: string): Promise<void> {
  const tls = authority === undefined ? {} : { tls: { ca: authority } }
  const clients = servers.map(({ port }) => new Redis({ port, host: '127.0.0.1', ...tls }))
  try {
    await Promise.all(clients.map((client, index) => client.cluster('ADDSLOTS', ...slotsOf(index))))
    const [first] = servers
    for (const client of clients.slice(1))
      await client.cluster('MEET', '127.0.0.1', first?.port ?? 0)
    await Promise.all(clients.map(isReady))
  } finally {
    for (const client of clients) client.disconnect()
  }
}

async function isReady(client: Redis): Promise<void> {
  for (let tries = 0; tries < 2_400; tries++) {
    const info = String(await client.cluster('INFO'))
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${masters}`)) return
    await sleep(25)
  }
  throw new Error('the Redis Cluster did not come together within 60 s')
}

/** Three masters that hold all slots; `undefined` where the machine has no redis-server. */
export async function startCluster(tls?: OnlyTls): Promise<RedisCluster | undefined> {
  const servers: RedisServer[] = []
  for (let index = 0; index < masters; index++) {
    const own = (port: number) => [...options, ...(tls?.options(port) ?? [])]
    const server = await RedisServer.start(own, busOffset)
    if (!server) return undefined
    atEnd(() => server.stop())
    servers.push(server)
  }
  await join(servers, tls?.authority)
  return {
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  }
}
