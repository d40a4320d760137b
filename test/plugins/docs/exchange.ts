import type { Buffer } from 'node:buffer'
import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

export interface Sent {
  readonly method: string
  /** Path and query, as they go over the wire. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
  /** Goes at the first chunk of a good reply. */
  readonly leaves: boolean
}

export interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

const agent = new Agent({ keepAlive: true })
const patienceMs = 60_000

/** Sends what `fetch` would not: any header, any path, a body with any method. Rejects without a reply. */
export function exchange(url: string, { method, target, headers, body, leaves }: Sent) {
  const { hostname, port } = new URL(url)
  return new Promise<Received>((resolve, reject) => {
    const asked = request({ hostname, port, method, path: target, headers, agent })
    asked.setTimeout(patienceMs, () => asked.destroy(new Error('silence')))
    asked.once('error', reject)
    asked.once('response', (response) => {
      read(response, leaves, resolve, reject)
    })
    asked.end(body)
  })
}

function read(
  response: IncomingMessage,
  leaves: boolean,
  resolve: (received: Received) => void,
  reject: (error: Error) => void,
): void {
  let text = ''
  const { statusCode: status = 0, headers } = response
  const done = () => resolve({ status, headers: flat(headers), text })
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    if (leaves && status === 200) {
      done()
      response.destroy()
    }
  })
  response.once('end', done)
  response.once('error', reject)
  response.once('close', () => reject(new Error(`the reply breaks off: ${text.slice(0, 200)}`)))
}

const flat = (headers: IncomingHttpHeaders): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
