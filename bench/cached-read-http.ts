/** Server CPU per reply, in interleaved rounds over all contenders. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { Client } from 'undici'

const names = [
  'node:http, a Map',
  'koa + @koa/router, a Map',
  'koa + @koa/router, our cache',
  'koa + @koa/router, a Map, our duties',
  'our server, our cache',
  'fastify + bentocache',
]
const connections = 8

interface Running {
  readonly name: string
  readonly child: ChildProcess
  readonly clients: readonly Client[]
  readonly rounds: number[]
}

async function start(name: string): Promise<Running> {
  const program = fileURLToPath(new URL('./cached-read-server.ts', import.meta.url))
  const child = fork(program, [name], { execArgv: ['--conditions=source'] })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const origin = `http://127.0.0.1:${port}`
  const clients = Array.from({ length: connections }, () => new Client(origin, { pipelining: 1 }))
  return { name, child, clients, rounds: [] }
}

async function cpuMicros(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [{ user, system }] = (await once(child, 'message')) as [{ user: number; system: number }]
  return user + system
}

async function load({ name, clients }: Running, requests: number): Promise<void> {
  let left = requests
  const worker = async (client: Client) => {
    while (left-- > 0) {
      const { statusCode, body } = await client.request({ method: 'GET', path: '/api/projects/1' })
      const { name: project } = (await body.json()) as { name: string }
      if (statusCode !== 200 || project !== 'The project') throw new Error(`${name}: ${statusCode}`)
    }
  }
  await Promise.all(clients.map(worker))
}

export async function measure({
  rounds,
  requests,
}: {
  readonly rounds: number
  readonly requests: number
}): Promise<ReadonlyMap<string, readonly number[]>> {
  const running = await Promise.all(names.map(start))
  for (const one of running) await load(one, 4_000)
  for (let round = 0; round < rounds; round++)
    for (const one of round % 2 === 0 ? running : running.toReversed()) {
      const before = await cpuMicros(one.child)
      await load(one, requests)
      one.rounds.push(((await cpuMicros(one.child)) - before) / requests)
    }
  for (const { child, clients } of running) {
    await Promise.all(clients.map((client) => client.close()))
    child.disconnect()
  }
  return new Map(running.map(({ name, rounds: micros }) => [name, micros]))
}
