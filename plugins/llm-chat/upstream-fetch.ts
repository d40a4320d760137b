import { AsyncLocalStorage } from 'node:async_hooks'

import type { Agent, Dispatcher } from 'undici'

import { ModelFailure } from './failure.ts'
import { UpstreamBody } from './upstream-body.ts'

const maxErrorBytes = 65_536

/** A reply whose bytes are read from `source`: the SDK looks at the head alone. */
export class UpstreamResponse extends Response {
  readonly source: UpstreamBody

  constructor(source: UpstreamBody, init: ResponseInit) {
    super(null, init)
    this.source = source
  }
}

/**
 * A socket reads again only when all that it read is parsed: else a pause would leave two reads of 64 KiB in it,
 * and every resumption that takes less than that one more.
 */
const oneRead = { highWaterMark: 0 }

/** A socket that was opened inside a request would keep it for as long as it waits for others. */
const outsideOfRequests = AsyncLocalStorage.snapshot()

/** A connection that nobody uses is closed: after 4 s, or as late as the upstream says, but not later than this. */
const idleMs = 60_000

/**
 * Connections to one upstream. Redirects are not followed: they would carry the key elsewhere. Loaded here, after
 * `Response` has brought Node's own undici: whichever comes first serves the `fetch` of everybody in this process.
 */
export async function upstreamAgent(connectMs: number, mostIdleMs = idleMs): Promise<Agent> {
  const { Agent: UpstreamAgent, buildConnector } = await import('undici')
  const connect = buildConnector({ timeout: connectMs, ...oneRead })
  return new UpstreamAgent({
    connect: (options, done) => outsideOfRequests(connect, options, done),
    // Our own timers guard the reply; undici's would cut a model that thinks for long.
    headersTimeout: 0,
    bodyTimeout: 0,
    pipelining: 1,
    // After a reply that was aborted undici opens another connection, for nobody (its issue 5845).
    keepAliveMaxTimeout: mostIdleMs,
  })
}

/** `fetch` as the SDK calls it. A success is an UpstreamResponse; an error's body is read, up to 64 KiB. */
export const upstreamFetch =
  (agent: Agent) =>
  async (asked: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { origin, pathname, search } = new URL(asked instanceof Request ? asked.url : asked)
    const body = new UpstreamBody(init.signal ?? undefined)
    const request = {
      origin,
      path: `${pathname}${search}`,
      method: (init.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: Object.fromEntries(new Headers(init.headers)),
      // In memory of its own: undici's would be a part of Node's pool, and keep 64 KiB as long as the stream lives.
      body: typeof init.body === 'string' ? new TextEncoder().encode(init.body) : null,
    }
    agent.dispatch(request, body)
    const { status, headers: named } = await body.head
    const headers = toHeaders(named)
    if (status < 300) return new UpstreamResponse(body, { status: 200, headers })
    const text = await readText(body, maxErrorBytes)
    if (status < 400) throw new ModelFailure('bad_response')
    return new Response(text, { status, headers })
  }

function toHeaders(incoming: Dispatcher.ResponseData['headers']): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming)) {
    for (const one of [value ?? []].flat()) headers.append(name, one)
  }
  return headers
}

/** Reads up to `maxBytes`, without a byte order mark; what is longer is cut and its socket closed. */
export async function readText(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) break
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes))
}
