import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a question may ask of the upstream: the JSON of its last message. */
export interface Wish {
  readonly fault?: string
  /** Before which token the fault comes. */
  readonly at?: number
  readonly tokens?: number
  /** Of each token's text, instead of a word. */
  readonly tokenBytes?: number
  readonly delayMs?: number
  readonly retryAfter?: string
  /** The fault comes that many times, then the answer is well. */
  readonly times?: number
  readonly text?: string
}

export const wish = (value: Wish): string => JSON.stringify(value)

export interface Seen {
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly clientPort: string
  readonly body: Readonly<Record<string, unknown>>
  /** When its connection was broken off by us, by `performance.now()`. */
  abortedAt: number | undefined
  isOver: boolean
  /** Tokens that were written so far. */
  sent: number
}

export const tokenAt = (index: number): string => ` tök${index}ñ🙂`
export const answerOf = (tokens: number): string =>
  Array.from({ length: tokens }, (_, index) => tokenAt(index)).join('')

/** An OpenAI server that fails on order, and sees how its clients leave. */
export class FaultUpstream {
  readonly seen: Seen[] = []
  readonly #server: http.Server
  readonly #counts = new Map<string, number>()
  active = 0

  constructor() {
    this.#server = http.createServer((request, response) => void this.#handle(request, response))
    this.#server.keepAliveTimeout = 30_000
  }

  async start(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const body = JSON.parse(text || '{}') as Record<string, unknown>
    const seen: Seen = {
      path: request.url ?? '',
      headers: request.headers,
      clientPort: String(request.socket.remotePort),
      body,
      abortedAt: undefined,
      isOver: false,
      sent: 0,
    }
    this.seen.push(seen)
    this.active += 1
    response.on('error', () => undefined)
    response.once('close', () => {
      this.active -= 1
      if (!seen.isOver) seen.abortedAt = performance.now()
    })
    const asked = wishOf(body)
    await this.#answer(this.#isWell(asked) ? withoutFault(asked) : asked, body, response, seen)
  }

  #isWell({ fault, times, text = '' }: Wish): boolean {
    if (fault === undefined || times === undefined) return false
    const key = `${fault} ${text}`
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)
    return count > times
  }

  async #answer(
    asked: Wish,
    body: Readonly<Record<string, unknown>>,
    response: http.ServerResponse,
    seen: Seen,
  ): Promise<void> {
    const { fault = '' } = asked
    const over = () => {
      seen.isOver = true
    }
    if (fault === 'stall-headers') return
    if (fault === 'reset-headers') {
      over()
      response.destroy()
      return
    }
    if (/^\d{3}$/.test(fault)) {
      over()
      return refuse(response, Number(fault), asked)
    }
    if (fault === 'html') {
      over()
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hello canary</h1>')
      return
    }
    if (body['stream'] !== true) {
      if (fault === 'stall') return
      if (asked.delayMs !== undefined) await sleep(asked.delayMs)
      over()
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(completion(asked)))
      return
    }
    await stream(asked, body, response, over, () => (seen.sent += 1))
  }
}

function wishOf(body: Readonly<Record<string, unknown>>): Wish {
  const messages = (body['messages'] ?? []) as { content?: unknown }[]
  try {
    return JSON.parse(String(messages.at(-1)?.content)) as Wish
  } catch {
    return {}
  }
}

const withoutFault = (asked: Wish): Wish => ({ ...asked, fault: '' })

function refuse(response: http.ServerResponse, status: number, { retryAfter, text }: Wish): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'set-cookie': 'upstream=canary',
    'x-upstream-secret': 'canary',
    ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
  })
  const error = { message: 'upstream says canary', type: 'x', code: text ?? null }
  response.end(JSON.stringify({ error }))
}

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'upstream' }

const chunkOf = (delta: object, finish: string | null = null): string =>
  JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finish }], usage: null })

const usageOf = (tokens: number) => ({
  prompt_tokens: 7,
  completion_tokens: tokens,
  total_tokens: 7 + tokens,
})

const completion = ({ tokens = 10 }: Wish) => ({
  ...head,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: answerOf(tokens) },
      finish_reason: 'stop',
    },
  ],
  usage: usageOf(tokens),
  system_fingerprint: 'fp_passes_through',
})

async function stream(
  { fault = '', at = 3, tokens = 10, tokenBytes, delayMs = 0 }: Wish,
  body: Readonly<Record<string, unknown>>,
  response: http.ServerResponse,
  over: () => void,
  sent: () => void,
): Promise<void> {
  const long = tokenBytes === undefined ? undefined : 'x'.repeat(tokenBytes)
  const end = fault === 'crlf' ? '\r\n' : '\n'
  const send = async (data: string, event?: string) => {
    const name = event === undefined ? '' : `event: ${event}${end}`
    await write(response, `${name}data: ${data}${end}${end}`, fault === 'pieces')
  }
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  response.flushHeaders()
  if (fault === 'empty-first') await send(JSON.stringify({ ...head, choices: [] }))
  await send(chunkOf({ role: 'assistant', content: '' }))
  for (let index = 0; index < tokens; index += 1) {
    if (response.destroyed) return
    if (index === at && (await broke(fault, response, send, over))) return
    if (delayMs > 0) await sleep(delayMs)
    await send(chunkOf({ content: long ?? tokenAt(index) }))
    sent()
    if (response.writableNeedDrain) await drained(response)
  }
  if (fault === 'stall-end') return
  over()
  if (fault === 'clean-end') return void response.end()
  if (fault === 'done-only') return void response.end('data: [DONE]\n\n')
  await send(chunkOf({}, 'stop'))
  const wants = (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage
  if (wants === true && fault !== 'no-usage')
    await send(JSON.stringify({ ...head, choices: [], usage: usageOf(tokens) }))
  if (fault !== 'no-done') await send('[DONE]')
  response.end()
}

/** Or closed. */
const drained = (response: http.ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.once('drain', done).once('close', done)
  })

/** True when the fault has ended the answer. */
async function broke(
  fault: string,
  response: http.ServerResponse,
  send: (data: string, event?: string) => Promise<void>,
  over: () => void,
): Promise<boolean> {
  if (fault === '' || fault === 'stall-end') return false
  if (fault === 'stall') return true
  over()
  switch (fault) {
    case 'reset':
      response.socket?.resetAndDestroy()
      return true
    case 'cut':
      response.socket?.end('5\r\nda')
      return true
    case 'half-event':
      response.end('data: {"choices":[{"del')
      return true
    case 'bad-json':
      await send('{"choices": canary')
      response.end()
      return true
    case 'huge-event':
      response.end(`data: ${'x'.repeat(2_097_152)}\n\n`)
      return true
    case 'error-data':
      await send('{"error":{"message":"canary","code":"server_error"}}')
      await send('[DONE]')
      response.end()
      return true
    case 'error-event':
      await send('{"message":"canary"}', 'error')
      response.end()
      return true
    default:
      return false
  }
}

/** In pieces of eleven bytes, each a chunk of its own: some end inside a character, some inside a line end. */
async function write(
  response: http.ServerResponse,
  text: string,
  inPieces: boolean,
): Promise<void> {
  if (!inPieces) return void response.write(text)
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += 11)
    response.write(bytes.subarray(from, from + 11))
}
