/** The contenders of the webhook benchmark, each behind the same node:http server on the same Postgres. */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { request, Agent } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Handle = (body: Buffer, signature: string) => Promise<unknown>

export interface Subject {
  readonly name: string
  readonly handle: Handle
}

export interface Delivery {
  readonly body: Buffer
  readonly signature: string
}

export interface Round {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

/** Reads the body, asks the contender, answers: nothing else is measured. */
export function serve(handle: Handle): Promise<Server> {
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      handle(Buffer.concat(parts), String(incoming.headers['stripe-signature'])).then(
        () => outgoing.end('{}'),
        (error: unknown) => {
          outgoing.statusCode = 500
          outgoing.end(String(error))
        },
      )
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)))
}

/** All deliveries over so many connections; every answer must be a 200. */
export async function load(
  server: Server,
  deliveries: readonly Delivery[],
  connections: number,
): Promise<Round> {
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const times: number[] = []
  let next = 0
  const lane = async () => {
    for (let one = deliveries[next++]; one !== undefined; one = deliveries[next++]) {
      const startedAt = performance.now()
      await post(port, agent, one)
      times.push(performance.now() - startedAt)
    }
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: connections }, lane))
  const seconds = (performance.now() - startedAt) / 1_000
  agent.destroy()
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
  return { perSecond: deliveries.length / seconds, p50: at(0.5), p99: at(0.99) }
}

function post(port: number, agent: Agent, { body, signature }: Delivery): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
    const asked = request({ host: '127.0.0.1', port, method: 'POST', agent, headers }, (answer) => {
      let said = ''
      answer.on('data', (part: Buffer) => (said += part.toString()))
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}: ${said}`)),
      )
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

export const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
