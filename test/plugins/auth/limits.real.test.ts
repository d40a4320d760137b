import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import auth from '../../../plugins/auth/index.ts'
import redisPlugin from '../../../plugins/redis/index.ts'
import { privateRedis } from '../../harness/redis.ts'
import { timed } from '../../harness/stopwatch.ts'
import { until } from '../../harness/until.ts'
import { start } from './world.ts'

const server = await privateRedis()

async function limiterOn() {
  const redis = await testPlugin(redisPlugin, {
    config: { url: server.url, commandTimeout: '20s' },
  })
  const limits = { default: { user: 300 } }
  const instance = await start({ limits }, { redis: redis.services.redis })
  const limiter = auth.fills.limiter?.(instance.services as never)
  if (limiter === undefined) throw new Error('auth fills no limiter')
  const stop = async () => {
    await instance.stop()
    await redis.stop()
  }
  await until(() => redis.services.redis.isUp('limits'))
  return { limiter, instance, stop }
}

const three = [await limiterOn(), await limiterOn(), await limiterOn()]
test.after(async () => {
  for (const { stop } of three) await stop()
})

const request = (subject: string) => ({
  limit: 'default',
  principal: { subject, scopes: [], via: 'jwt' },
  ip: '192.0.2.1',
})

test('three instances share one budget: 900 requests at once, 300 allowed, ± 2 %', async () => {
  const takes = Array.from({ length: 900 }, async (_, index) =>
    three[index % 3]?.limiter.take(request('alice')),
  )

  const decisions = await Promise.all(takes)

  const allowed = decisions.filter((decision) => decision?.allowed).length
  assert.ok(Math.abs(allowed - 300) <= 6, String(allowed))
})

test('with Redis down each counts for itself at once, and together again when it is back', async () => {
  const [one] = three
  await server.kill('SIGKILL')

  const { ms } = await timed(async () => {
    for (let i = 0; i < 400; i += 1) await one?.limiter.take(request('bob'))
  })

  assert.ok(ms < 1_000, `${ms} ms`)
  const last = await one?.limiter.take(request('bob'))
  assert.not(last?.allowed)

  await server.restart()
  await until(async () => {
    one?.instance.clock.advance(2_001)
    const decision = await one?.limiter.take(request('carol'))
    return decision?.allowed === true && (await isShared('carol'))
  })
})

/** Another instance sees what was taken. */
async function isShared(subject: string): Promise<boolean> {
  three[1]?.instance.clock.advance(2_001)
  const decision = await three[1]?.limiter.take(request(subject))
  return decision !== undefined && decision.remaining < 299
}

test.run()
