/** Whole servers and their Redis: killed with -9 under load and brought back, and never there at all. */
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { sparePort } from '../harness/ports.ts'
import { postgres } from '../harness/postgres.ts'
import { run, startServer } from '../harness/process.ts'
import type { ServerProcess } from '../harness/process.ts'
import { privateRedis } from '../harness/redis.ts'
import { until } from '../plugins/cache/rig.ts'
import { HttpLoad } from './redis-kill-load.ts'
import { manifestWith } from './whole-server.ts'

const scale = Number(process.env['TEST_SCALE'] ?? 1)
const manifest = manifestWith(`
  database: { config: { url: '\${DATABASE_URL}' } }
  redis: { config: { url: '\${REDIS_URL}' } }
  cache: true
  sessions: { config: { secret: '\${SESSION_SECRET}' } }
  auth:
    config:
      secret: '\${JWT_SECRET_KEY}'
      limits: { default: { anonymous: 1000000, user: 1000000 } }
  projects: true
  billing: { critical: false }
  llm-chat: true
  metrics: true
  docs: true
`)

const { url: database } = await postgres()
const secrets = {
  JWT_SECRET_KEY: 'a-key-that-both-instances-share-0123456789',
  SESSION_SECRET: 'a-session-secret-of-both-instances-0123456789',
}
const envWith = (redisUrl: string) => ({
  ...secrets,
  DATABASE_URL: database,
  REDIS_URL: redisUrl,
})

async function tokenOf(server: ServerProcess, env: Record<string, string>): Promise<string> {
  const { stdout } = await run(['token', '--sub', 'alice'], { manifest, env, home: server.home })
  return stdout.trim()
}

const isReady = async (server: ServerProcess): Promise<boolean> =>
  (await fetch(`${server.operationsUrl}/readyz`)).status === 200

test('killed with -9 under load and brought back: no 5xx, no stale read, no restart', async () => {
  const redis = await privateRedis()
  const env = envWith(redis.url)
  const servers = [await startServer({ manifest, env }), await startServer({ manifest, env })]
  const pids = servers.map(({ pid }) => pid)
  const [first] = servers as [ServerProcess, ServerProcess]
  const load = new HttpLoad(
    servers.map(({ url }) => url),
    await tokenOf(first, env),
  )
  await load.createProjects(8)
  load.start()
  await sleep(1_500)

  const before = load.take()
  await redis.kill('SIGKILL')
  await sleep(3_000 * scale)
  const during = load.take()
  load.restHalf()
  await sleep(200)
  await redis.restart()
  await sleep(2_000)
  const after = load.take()
  await load.stop()
  const converged = await until(async () => (await load.staleReads()) === 0)
  const stale = [await load.staleReads(), await load.staleReads()]

  for (const [when, { reads, writes }] of Object.entries({ before, during, after }))
    assert.ok(reads > 50 && writes > 10, `${when}: ${reads} reads, ${writes} writes`)
  assert.equal(load.unexpected.slice(0, 5), [])
  assert.ok(load.cacheStates.has('HIT-L1'), [...load.cacheStates].join(' '))
  assert.equal(stale, [0, 0], `converged after ${converged} ms`)
  await until(async () => (await load.crossCheck()) === 0)
  for (const [index, server] of servers.entries()) {
    assert.is(server.pid, pids[index])
    assert.is((await fetch(`${server.url}/healthz`)).status, 200)
    assert.match(server.output, /redis went down/)
    assert.match(server.output, /redis came back/)
    assert.is(await server.stop(), 0)
  }
  console.log(JSON.stringify({ before, during, after, convergedMs: Math.round(converged) }))
})

test('absent at boot: ready in time; projects, chat are served; a session is 503 with Retry-After', async () => {
  const port = await sparePort()
  const env = envWith(`redis://127.0.0.1:${port}`)
  const startedAt = performance.now()
  const server = await startServer({ manifest, env })
  await until(() => isReady(server))
  const readyMs = Math.round(performance.now() - startedAt)
  const load = new HttpLoad([server.url], await tokenOf(server, env))

  await load.createProjects(2)
  await load.write(0)
  await load.write(1)
  const chat = await load.post('/chat', { query: 'hello' })
  const session = await load.post('/auth/session', {})

  assert.ok(readyMs < 60_000, `ready after ${readyMs} ms`)
  assert.equal(load.unexpected, [])
  assert.is(await load.staleReads(), 0)
  assert.is(chat.status, 200, await chat.clone().text())
  assert.is(session.status, 503, await session.clone().text())
  assert.is(Reflect.get((await session.json()) as object, 'code'), 'session_store_unavailable')
  assert.ok(Number(session.headers.get('retry-after')) > 0)
  assert.is(await server.stop(), 0)
})

test.run()
