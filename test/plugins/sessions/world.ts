import { setTimeout as sleep } from 'node:timers/promises'

import type { RouteOf } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'
import type { SessionService } from 'autodocops/plugins/sessions'
import { testPlugin } from 'autodocops/testing'
import * as z from 'zod'

import sessions from '../../../plugins/sessions/index.ts'

export const secret = 'w7Rk2Ub9Xe4Mq6Za1Tp8Vc3Ns5Ly0Dg-of-tests'

type Options = NonNullable<
  Parameters<typeof testPlugin<'sessions', typeof sessions.requires, typeof sessions.provides>>[1]
>

export interface Setting {
  readonly config?: Readonly<Record<string, unknown>>
  readonly redis?: RedisService | undefined
  readonly server?: Options['server']
}

const open = {
  auth: 'public',
  limit: 'none',
  timeoutMs: 10_000,
  responses: { 200: z.unknown() },
} as const
const slowly = z.object({ ms: z.coerce.number().default(0), hold: z.string().optional() })

interface Held {
  readonly reach: () => void
  readonly released: Promise<void>
}
const held = new Map<string, Held>()

/** A request that stops inside its handler, its session open, until it is released: `?hold=` its name. */
export function holding() {
  const name = `hold-${held.size}`
  let reach = () => {}
  let release = () => {}
  const reached = new Promise<void>((resolve) => (reach = resolve))
  const released = new Promise<void>((resolve) => (release = resolve))
  held.set(name, { reach, released })
  return { query: `hold=${name}`, reached, release }
}

async function linger({ ms, hold = '' }: z.output<typeof slowly>): Promise<void> {
  await sleep(ms)
  held.get(hold)?.reach()
  await held.get(hold)?.released
}

/** What handlers of other plugins do with a session. */
const visits = (route: RouteOf<{ readonly sessions: SessionService }>) => [
  route({
    ...open,
    method: 'POST',
    path: '/fields/:field',
    summary: 'Write one field, slowly',
    params: z.object({ field: z.string() }),
    query: slowly,
    body: { schema: z.object({ value: z.unknown() }), maxBytes: 100_000 },
    handler: ({ sessions: service }, request) =>
      service.with(request, async (session) => {
        const { field } = request.params
        session.set(field, request.body.value)
        await linger(request.query)
        if (field === 'fail') throw new Error('the handler failed')
        return { subject: session.principal?.subject ?? null }
      }),
  }),
  route({
    ...open,
    method: 'GET',
    path: '/fields/:field',
    summary: 'Read one field',
    params: z.object({ field: z.string() }),
    handler: ({ sessions: service }, request) =>
      service.with(request, (session) => ({
        value: session.get(request.params.field) ?? null,
        subject: session.principal?.subject ?? null,
      })),
  }),
  route({
    ...open,
    auth: 'optional',
    method: 'POST',
    path: '/login/:subject',
    summary: 'Log in, slowly',
    params: z.object({ subject: z.string() }),
    query: slowly,
    body: { schema: z.unknown(), maxBytes: 1_000 },
    handler: ({ sessions: service }, request) =>
      service.with(request, async (session) => {
        await linger(request.query)
        session.login({ subject: request.params.subject, scopes: ['read'], via: 'test' })
      }),
  }),
]

/** The plugin, with the routes above beside its own. */
const withVisits = {
  ...sessions,
  routes: (builder: { route: RouteOf<never>; config: never }) => [
    ...(sessions.routes?.(builder) ?? []),
    ...visits(builder.route as unknown as RouteOf<{ readonly sessions: SessionService }>),
  ],
} as typeof sessions

export type Instance = Awaited<ReturnType<typeof start>>

export const start = ({ config = {}, redis, server }: Setting = {}) =>
  testPlugin(withVisits, {
    config: { secret, ...config },
    ...(redis === undefined ? {} : { services: { redis } }),
    ...(server === undefined ? {} : { server }),
  })

type Reply = Awaited<ReturnType<Instance['inject']>>
type Injection = Parameters<Instance['inject']>[0]

/** A browser, as far as one cookie goes. */
export class Browser {
  cookie = ''
  /** Of the last reply, as it was sent. */
  setCookie = ''

  async send(instance: Instance, injection: Injection): Promise<Reply> {
    const { headers = {} } = injection
    const cookie: Record<string, string> = this.cookie === '' ? {} : { cookie: this.cookie }
    const reply = await instance.inject({ ...injection, headers: { ...cookie, ...headers } })
    this.#keep(reply)
    return reply
  }

  async login(instance: Instance, subject = 'alice'): Promise<Reply> {
    return this.send(instance, {
      method: 'POST',
      url: '/auth/session',
      as: { subject, scopes: ['read'] },
    })
  }

  async isKnown(instance: Instance): Promise<boolean> {
    return (await this.send(instance, { url: '/auth/session' })).status === 200
  }

  async write(instance: Instance, field: string, value: unknown = 1, query = ''): Promise<Reply> {
    return this.send(instance, {
      method: 'POST',
      url: `/fields/${field}?${query}`,
      body: { value },
    })
  }

  async read(instance: Instance, field: string): Promise<unknown> {
    const reply = await this.send(instance, { url: `/fields/${field}` })
    return (reply.json() as { value: unknown }).value
  }

  get id(): string {
    return this.cookie.slice(this.cookie.indexOf('=') + 1).split('.')[0] ?? ''
  }

  /** The same cookie in another window. */
  copy(): Browser {
    const twin = new Browser()
    twin.cookie = this.cookie
    return twin
  }

  #keep({ headers }: Reply): void {
    this.setCookie = headers['set-cookie']?.[0] ?? ''
    if (this.setCookie === '') return
    const [pair = ''] = this.setCookie.split(';')
    this.cookie = pair.endsWith('=') ? '' : pair
  }
}
