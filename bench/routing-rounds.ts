/** Server CPU per request, in interleaved rounds: requests per second swing with the machine, CPU hardly. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { Client } from 'undici'

import { benchRoutes } from './routing-table.ts'

const connections = 8
export const warmUp = 12_000

export interface Subject {
  readonly contender: string
  readonly routes: number
}

interface Running extends Subject {
  readonly child: ChildProcess
  readonly clients: readonly Client[]
  readonly targets: readonly string[]
  /** Microseconds of CPU per request, one for each round. */
  readonly rounds: number[]
}

export async function start(subject: Subject): Promise<Running> {
  const program = fileURLToPath(new URL('./routing-server.ts', import.meta.url))
  const args = [subject.contender, String(subject.routes)]
  const child = fork(program, args, { execArgv: ['--conditions=source'] })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const origin = `http://127.0.0.1:${port}`
  const clients = Array.from({ length: connections }, () => new Client(origin, { pipelining: 1 }))
  const targets = benchRoutes(subject.routes).map(({ target }) => target)
  return { ...subject, child, clients, targets, rounds: [] }
}

/** What the child has used until now; it hears the word first. */
export async function cpuMicros(child: ChildProcess, word = 'cpu'): Promise<number> {
  child.send(word)
  const [{ user, system }] = (await once(child, 'message')) as [{ user: number; system: number }]
  return user + system
}

export async function load({ clients, targets }: Running, requests: number): Promise<void> {
  let next = 0
  const headers = { authorization: 'Bearer bench', accept: 'application/json' }
  const worker = async (client: Client) => {
    while (next < requests) {
      // A stride without a common factor, so that neighbours in time are no neighbours in the table.
      const path = targets[(next++ * 7_919) % targets.length] ?? '/'
      const { statusCode, body } = await client.request({ method: 'GET', path, headers })
      await body.dump()
      if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`)
    }
  }
  await Promise.all(clients.map(worker))
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

export async function stop({ child, clients }: Running): Promise<void> {
  await Promise.all(clients.map((client) => client.close()))
  child.disconnect()
}

/** The median of each subject, in microseconds of CPU per request. */
export async function measure(
  subjects: readonly Subject[],
  { rounds, requests }: { readonly rounds: number; readonly requests: number },
): Promise<ReadonlyMap<Subject, readonly number[]>> {
  const running = await Promise.all(subjects.map(start))
  for (const one of running) await load(one, warmUp)
  for (let round = 0; round < rounds; round++)
    // There and back, so that nobody always comes after the same neighbour.
    for (const one of round % 2 === 0 ? running : running.toReversed()) {
      const before = await cpuMicros(one.child)
      await load(one, requests)
      one.rounds.push(((await cpuMicros(one.child)) - before) / requests)
    }
  await Promise.all(running.map(stop))
  return new Map(running.map((one, i) => [subjects[i] ?? one, one.rounds]))
}

/** Of the medians of many short rounds: a single round has the noise of whatever else the machine does. */
export const ratio = (a: readonly number[] = [], b: readonly number[] = []): number =>
  median(a) / median(b)
