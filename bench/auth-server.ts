/** A child of the benchmark: one server, which tells its CPU time when asked. */
import { defineApp, definePlugin } from 'autodocops'
import { testPlugin } from 'autodocops/testing'
import { Redis } from 'ioredis'
import Koa from 'koa'
import koaRedis from 'koa-redis'
import createSession from 'koa-session'
import type { CreateSessionOptions } from 'koa-session'
import type { AddressInfo } from 'node:net'
import * as z from 'zod'

import auth from '../plugins/auth/index.ts'
import database from '../plugins/database/index.ts'
import redis from '../plugins/redis/index.ts'
import sessions from '../plugins/sessions/index.ts'

const secret = 'k3Xv9Qp2Lr7Tz5Wm8Yb4Nc6Jd1Hf0Gs-of-bench'
const far = { anonymous: 1_000_000_000, user: 1_000_000_000 }
const [contender = '', redisUrl = ''] = process.argv.slice(2)

interface Started {
  readonly port: number
  /** By subject of the measurement. */
  readonly headers: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** The route that is measured; whoever asks may. */
const probe = definePlugin({
  name: 'probe',
  version: '1.0.0',
  core: '^1',
  summary: 'What is measured',
  config: z.strictObject({}),
  routes: ({ route }) => [
    route({
      method: 'GET',
      path: '/probe',
      summary: 'Who asks?',
      auth: 'optional',
      limit: 'default',
      timeoutMs: 5_000,
      responses: { 200: z.unknown() },
      handler: (_services, { principal }) => ({ subject: principal?.subject ?? null }),
    }),
  ],
  examples: { config: { valid: [{}], invalid: [] } },
})

/** Everything that we serve with. */
async function whole(): Promise<Started> {
  const plugins = {
    database: false,
    auth: { config: { secret, limits: { default: far, auth: far } } },
    sessions: { config: { secret } },
  }
  const server = { port: 0, operations: '127.0.0.1:0', dataDir: '/nonexistent' }
  const manifest = { server, log: { level: 'silent' }, plugins }
  const host = await defineApp([database, auth, sessions, probe], { manifest, env: {} }).start()
  const origin = host.addresses.public
  const made = await testPlugin(auth, { config: { secret } })
  made.clock.advance(Date.now() - made.clock.now())
  const token = await made.services.auth.issue({ subject: 'alice', scopes: ['read'] })
  const authorization = `Bearer ${token}`
  const opened = await fetch(`${origin}/auth/session`, {
    method: 'POST',
    headers: { authorization },
  })
  const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? ''
  const headers = { anonymous: {}, bearer: { authorization }, cookie: { cookie } }
  return { port: Number(new URL(origin).port), headers }
}

async function listening(app: Koa): Promise<number> {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

const cookieOf = (reply: Response) =>
  reply.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')

/** As their READMEs say. */
async function plain(): Promise<Started> {
  const app = new Koa()
  app.keys = [secret]
  const store = koaRedis({
    client: new Redis(redisUrl),
    serialize: JSON.stringify,
    unserialize: JSON.parse,
  })
  app.use(createSession({ store, key: 'sid' } as unknown as CreateSessionOptions, app))
  app.use((ctx) => {
    if (ctx.path === '/login') ctx['session'].user = { subject: 'alice', scopes: ['read'] }
    ctx.body = { subject: ctx['session'].user?.subject ?? null }
  })
  const port = await listening(app)
  const cookie = cookieOf(await fetch(`http://127.0.0.1:${port}/login`))
  return { port, headers: { 'koa-session + koa-redis': { cookie } } }
}

/** Our authenticator in the same bare Koa. */
async function ours(): Promise<Started> {
  const connections = await testPlugin(redis, { config: { url: redisUrl } })
  const services = { redis: connections.services.redis }
  const instance = await testPlugin(sessions, { config: { secret }, services })
  const login = { method: 'POST', url: '/auth/session', as: { subject: 'alice', scopes: ['read'] } }
  const reply = await instance.inject(login)
  const cookie = reply.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  const app = new Koa()
  app.use(async (ctx) => {
    const request = { method: ctx.method, headers: ctx.headers, ip: '', ctx } as never
    const principal = await sessions.fills.authenticator?.authenticate(
      instance.services as never,
      request,
    )
    ctx.body = { subject: principal?.subject ?? null }
  })
  return { port: await listening(app), headers: { 'sessions on Redis': { cookie } } }
}

const contenders: Readonly<Record<string, () => Promise<Started>>> = { whole, plain, ours }
const started = await contenders[contender]?.()

process.on('message', () => process.send?.(process.cpuUsage()))
process.on('disconnect', () => process.exit(0))
process.send?.(started)
