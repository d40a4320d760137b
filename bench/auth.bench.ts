/** What it costs to know who asks: a bearer token, a session cookie, a session in Redis. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { Client } from 'undici'

import { privateRedis } from '../test/harness/redis.ts'

import { median, ratio } from './routing-rounds.ts'

const connections = 8
const requests = 2_000
const rounds = 16 * Number(process.env['TEST_SCALE'] ?? 1)

interface Subject {
  readonly name: string
  readonly child: ChildProcess
  readonly clients: readonly Client[]
  readonly headers: Readonly<Record<string, string>>
  /** Microseconds of server CPU per request, one for each round. */
  readonly rounds: number[]
}

interface Started {
  readonly port: number
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>
}

async function start(contender: string, redisUrl: string): Promise<readonly Subject[]> {
  const program = fileURLToPath(new URL('./auth-server.ts', import.meta.url))
  const child = fork(program, [contender, redisUrl], { execArgv: ['--conditions=source'] })
  const [{ port, headers }] = (await once(child, 'message')) as [Started]
  const open = () => new Client(`http://127.0.0.1:${port}`, { pipelining: 1 })
  return Object.entries(headers).map(([name, own]) => {
    const clients = Array.from({ length: connections }, open)
    return { name, child, clients, headers: own, rounds: [] }
  })
}

async function load({ clients, headers, name }: Subject): Promise<void> {
  let left = requests
  const expected = name === 'anonymous' ? 'null' : '"alice"'
  const worker = async (client: Client) => {
    while (left-- > 0) {
      const { body } = await client.request({ method: 'GET', path: '/probe', headers })
      const text = await body.text()
      if (text !== `{"subject":${expected}}`) throw new Error(`${name} got ${text}`)
    }
  }
  await Promise.all(clients.map(worker))
}

async function cpuMicros(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [{ user, system }] = (await once(child, 'message')) as [{ user: number; system: number }]
  return user + system
}

const server = await privateRedis()
const subjects = [
  ...(await start('whole', '')),
  ...(await start('plain', server.url)),
  ...(await start('ours', server.url)),
]
for (const subject of subjects) await load(subject)
for (let round = 0; round < rounds; round += 1)
  for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
    const before = await cpuMicros(subject.child)
    await load(subject)
    subject.rounds.push(((await cpuMicros(subject.child)) - before) / requests)
  }

process.stdout.write(`Server CPU per request in µs, median of ${rounds} interleaved rounds\n\n`)
for (const { name, rounds: own } of subjects)
  process.stdout.write(`${name.padEnd(28)}${median(own).toFixed(1).padStart(8)}\n`)

const of = (name: string) => subjects.find((subject) => subject.name === name)?.rounds ?? []
const bounds = [
  ['bearer', 'anonymous', 1.25],
  ['cookie', 'anonymous', 1.5],
  ['sessions on Redis', 'koa-session + koa-redis', 1],
] as const
process.stdout.write('\n')
for (const [one, other, bound] of bounds) {
  const cost = ratio(of(one), of(other))
  const verdict = cost <= bound ? 'kept' : 'BROKEN'
  if (cost > bound) process.exitCode = 1
  process.stdout.write(`${one} ≤ ${bound} × ${other}: ${cost.toFixed(3)} ${verdict}\n`)
}
for (const { child, clients } of subjects) {
  await Promise.all(clients.map((client) => client.close()))
  if (child.connected) child.disconnect()
}
await server.stop()
