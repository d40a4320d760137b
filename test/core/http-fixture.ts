import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

import * as z from 'zod'

import { CoreEvents } from '../../core/core-events.ts'
import { Events } from '../../core/events.ts'
import { createHttpApp } from '../../core/http/http-app.ts'
import type { HttpApp, HttpAppOptions, MountedPlugin } from '../../core/http/http-app.ts'
import { limitsSchema } from '../../core/http/limits.ts'
import { Listener } from '../../core/http/listener.ts'
import { createLog } from '../../core/log.ts'
import { routeOf, type Route } from '../../core/route.ts'
import { closedAfterwards } from '../harness/closing.ts'

export interface Setup extends Partial<Omit<HttpAppOptions, 'plugins' | 'limits'>> {
  readonly routes?: readonly Route[]
  /** Instead of `routes`. */
  readonly plugins?: readonly Partial<MountedPlugin>[]
  readonly limits?: z.input<typeof limitsSchema>
}

export interface Served {
  readonly url: string
  readonly port: number
  readonly app: HttpApp
  readonly listener: Listener
  readonly lines: Record<string, unknown>[]
  /** Name and payload, in order. */
  readonly events: { readonly name: string; readonly payload: Record<string, unknown> }[]
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  readonly raw: (bytes: string | Buffer) => Promise<RawReply>
  readonly stop: () => Promise<void>
}

/** Types a route that needs no service. */
export const route = routeOf<object>()

/** What every route must decide, decided. */
export const open = { summary: 's', auth: 'public', limit: 'none', timeoutMs: 5_000 } as const

const never = () => new AbortController().signal
const eventNames = [
  'http:request-started',
  'http:request-finished',
  'http:stream-started',
  'http:stream-finished',
  'http:request-shed',
] as const

/** A real listener on a port of its own, with everything around it in plain sight. It is stopped after its test. */
export async function serve(setup: Setup): Promise<Served> {
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const log = createLog({ level: 'debug', pretty: false, stream })
  // A machine that is busy with other tests sheds nothing here.
  const limits = limitsSchema.parse({ eventLoopLag: '1h', heapRatio: 1, ...setup.limits })
  const bus = new Events((error) => log.error({ err: error }, 'listener failed')).scoped(never())
  const events: Served['events'][number][] = []
  for (const name of eventNames)
    bus.on(CoreEvents, name, (payload) => void events.push({ name, payload: { ...payload } }))
  const app = createHttpApp({
    ...defaults(log, bus),
    ...setup,
    limits,
    plugins: mounts(setup, log),
  })
  const listener = new Listener(limits, log)
  listener.use(app)
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${port}`
  const served = {
    url,
    port,
    app,
    listener,
    lines,
    events,
    fetch: (path: string, init?: RequestInit) => fetch(url + path, init),
    raw: (bytes: string | Buffer) => rawRequest(port, bytes),
    stop: () => stop(listener),
  }
  return closedAfterwards(served, served.stop)
}

async function stop(listener: Listener): Promise<void> {
  const closed = listener.stopAccepting()
  listener.closeAll()
  await closed
}

const defaults = (log: MountedPlugin['log'], events: HttpAppOptions['events']) => ({
  listener: 'public' as const,
  authenticators: [],
  limiter: undefined,
  trustedProxies: 0,
  origins: [],
  publicUrl: () => '',
  operationsToken: undefined,
  isLoopback: true,
  starting: false,
  events,
  log,
  clock: { now: () => Date.now(), monotonic: () => performance.now() },
  random: { float: Math.random, bytes: randomBytes, uuid: randomUUID },
  drain: never(),
  isDraining: () => false,
  production: false,
})

function mounts({ routes = [], plugins }: Setup, log: MountedPlugin['log']): MountedPlugin[] {
  const mounted = (plugin: Partial<MountedPlugin>): MountedPlugin => ({
    name: 'probe',
    routes,
    services: {},
    log: log.child({ plugin: plugin.name ?? 'probe' }),
    enter: () => undefined,
    leave: () => undefined,
    signal: never(),
    ...plugin,
  })
  return (plugins ?? [{}]).map(mounted)
}

export interface RawReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Everything that came, a `100 Continue` before the reply included. */
  readonly text: string
  /** The server closed the connection. */
  readonly isClosed: boolean
}

/** A client that says this much, and goes when its test has ended. What it is sent is dropped. */
export async function dialled(port: number, text = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  closedAfterwards(socket, () => socket.destroy())
  socket.on('error', () => undefined).resume()
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return socket
}

/** Sends bytes as they are and waits for one whole reply, or for the end of the connection. */
export function rawRequest(
  port: number,
  bytes: string | Buffer,
  waitMs = 20_000,
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    let isClosed = false
    const timer = setTimeout(() => finish(), waitMs)
    const finish = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ ...parseReply(text), text, isClosed })
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (isWhole(text) && !/^connection: close/im.test(text)) finish()
    })
    socket.on('close', () => {
      isClosed = true
      finish()
    })
    socket.on('error', (error) => (text === '' ? reject(error) : undefined))
    socket.write(bytes)
  })
}

function parseReply(text: string): Pick<RawReply, 'status' | 'headers' | 'body'> {
  const final = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
  const [head = '', ...rest] = final.split('\r\n\r\n')
  const [statusLine = '', ...fields] = head.split('\r\n')
  const headers = Object.fromEntries(
    fields.map((field) => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') }
}

function isWhole(text: string): boolean {
  const { status, headers, body } = parseReply(text)
  if (status === 204) return true
  const length = headers['content-length']
  return length !== undefined && body.length >= Number(length)
}

export const any = { 200: z.unknown() }

/** `GET /` */
export const getting = (handler: () => unknown, more: object = {}) =>
  route({ ...open, method: 'GET', path: '/', responses: any, handler, ...more })

/** `POST /`, whatever JSON comes. */
export const posting = (handler: (body: unknown) => unknown) =>
  route({
    ...open,
    method: 'POST',
    path: '/',
    body: { schema: z.unknown(), maxBytes: 1_000 },
    responses: any,
    handler: (_, { body }) => handler(body),
  })

export const json = async (response: Response) => (await response.json()) as Record<string, unknown>
