import http, { type IncomingHttpHeaders } from 'node:http'
import { Duplex } from 'node:stream'

/** A pair of connected streams that look like sockets: HTTP without a port, on Node and on Deno. */
class Wire extends Duplex {
  other: Wire | undefined
  readonly remoteAddress = '127.0.0.1'

  override _read(): void {
    // Pushed to by the other side.
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.other?.push(chunk)
    done()
  }

  override _final(done: () => void): void {
    this.other?.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.other?.destroyed === false) this.other.destroy()
    done(error)
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

export interface Injection {
  readonly method?: string
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** An object goes out as JSON; text and bytes as they are. */
  readonly body?: unknown
  readonly signal?: AbortSignal
  /** Called with each piece of the answer as it comes, so that a client can leave in the middle of one. */
  readonly onChunk?: (chunk: Buffer) => void
}

export interface Injected {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The parsed body; throws when it is not JSON. */
  readonly json: () => unknown
  /** False when the connection broke before the end. */
  readonly complete: boolean
}

type Handler = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** One request through a real HTTP parser, without a port. */
export async function inject(handler: Handler, injection: Injection): Promise<Injected> {
  const server = http.createServer(handler)
  const [near, far] = [new Wire(), new Wire()]
  near.other = far
  far.other = near
  server.emit('connection', far)
  const { method = 'GET', url, signal, onChunk } = injection
  const { payload, headers } = encode(injection)
  return new Promise((resolve, reject) => {
    const options = {
      method,
      path: url,
      headers,
      createConnection: () => near,
      ...(signal && { signal }),
    }
    const request = http.request({ host: 'localhost', ...options }, (response) => {
      resolve(collect(response, onChunk))
    })
    request.on('error', reject)
    request.end(payload)
  })
}

function encode({ body, headers = {} }: Injection) {
  if (body === undefined) return { payload: undefined, headers }
  if (typeof body === 'string' || body instanceof Uint8Array) return { payload: body, headers }
  return {
    payload: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  }
}

async function collect(
  response: http.IncomingMessage,
  onChunk: Injection['onChunk'],
): Promise<Injected> {
  const chunks: Buffer[] = []
  let complete = true
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      onChunk?.(chunk)
    }
  } catch {
    complete = false
  }
  const text = Buffer.concat(chunks).toString('utf8')
  const { statusCode = 0, headers } = response
  return { status: statusCode, headers, text, json: () => JSON.parse(text) as unknown, complete }
}
