import type { LimitDecision } from 'autodocops'
import type { RedisService } from 'autodocops/plugins/redis'
import fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import auth from '../../../plugins/auth/index.ts'
import { networkOf } from '../../../plugins/auth/ip-network.ts'
import { start } from './world.ts'
import type { Instance } from './world.ts'

const alice = { subject: 'alice', scopes: [], via: 'jwt' }
const defaults = { limits: {} }

const limiterOf = ({ services }: Instance) => {
  const limiter = auth.fills.limiter?.(services as never)
  if (limiter === undefined) throw new Error('auth fills no limiter')
  return limiter
}

/** How many of 1,000 are allowed. */
async function allowed(instance: Instance, request: object): Promise<number> {
  const limiter = limiterOf(instance)
  let count = 0
  for (let i = 0; i < 1_000; i += 1) {
    const decision = await limiter.take({
      limit: 'default',
      principal: undefined,
      ip: '192.0.2.1',
      ...request,
    })
    if (decision.allowed) count += 1
  }
  return count
}

const table: readonly (readonly [object, number])[] = [
  [{}, 60],
  [{ principal: alice }, 600],
  [{ limit: 'chat', principal: alice }, 20],
  [{ limit: 'auth' }, 10],
  [{ limit: 'auth', principal: alice }, 60],
  [{ limit: 'no-such-class', principal: alice }, 600],
  [{ limit: 'constructor' }, 60],
  [{ limit: '__proto__' }, 60],
]
for (const [request, expected] of table)
  test(`within a minute ${expected} requests are allowed of ${JSON.stringify(request)}`, async () => {
    const instance = await start(defaults)
    assert.is(await allowed(instance, request), expected)
    await instance.stop()
  })

test('a decision in memory is no promise, and tells what is left and when it starts anew', async () => {
  const instance = await start({ limits: { default: { anonymous: 2, window: '10s' } } })
  const limiter = limiterOf(instance)
  const take = () => limiter.take({ limit: 'default', principal: undefined, ip: '192.0.2.1' })

  const decisions = [take(), take(), take()] as LimitDecision[]

  const fixed = { limit: 2, resetMs: 10_000, windowMs: 10_000 }
  assert.equal(decisions, [
    { allowed: true, remaining: 1, ...fixed },
    { allowed: true, remaining: 0, ...fixed },
    { allowed: false, remaining: 0, ...fixed },
  ])
  instance.clock.advance(10_000)
  assert.ok((take() as LimitDecision).allowed)
  await instance.stop()
})

test('classes have budgets of their own, and so have subjects and addresses', async () => {
  const instance = await start({
    limits: { chat: { user: 1, anonymous: 1 }, default: { user: 1, anonymous: 1 } },
  })
  const limiter = limiterOf(instance)
  const requests = [
    { limit: 'default', principal: alice, ip: '192.0.2.1' },
    { limit: 'chat', principal: alice, ip: '192.0.2.1' },
    { limit: 'default', principal: { ...alice, subject: 'bob' }, ip: '192.0.2.1' },
    { limit: 'default', principal: undefined, ip: '192.0.2.1' },
    { limit: 'default', principal: undefined, ip: '192.0.2.2' },
  ]
  for (const request of requests) assert.ok((await limiter.take(request)).allowed)
  for (const request of requests) assert.not((await limiter.take(request)).allowed)
  await instance.stop()
})

test('a class that only the config knows is one too', async () => {
  const instance = await start({ limits: { reports: { user: 3 } } })
  assert.is(await allowed(instance, { limit: 'reports', principal: alice }), 3)
  await instance.stop()
})

test('over the limit a route answers 429 with the seconds to wait', async () => {
  const instance = await start({ limits: { default: { user: 1 } } })
  const as = { subject: 'alice' }
  await instance.inject({ url: '/auth/keys', as })
  const reply = await instance.inject({ url: '/auth/keys', as })
  assert.is(reply.status, 429)
  assert.is(reply.headers['retry-after'], '60')
  await instance.stop()
})

const redisThat = (isUp: boolean, connection: () => never) =>
  ({ kind: 'single', keyPrefix: 'x:', connection, isUp: () => isUp }) as unknown as RedisService

test('with Redis down it counts here, at once', async () => {
  const redis = redisThat(false, () => {
    throw new Error('it was asked')
  })
  const instance = await start({ limits: { default: { anonymous: 5 } } }, { redis })
  const visitor = { limit: 'default', principal: undefined, ip: '192.0.2.9' }

  assert.not(limiterOf(instance).take(visitor) instanceof Promise)
  assert.is(await allowed(instance, {}), 5)
  await instance.stop()
})

test('with a Redis that does not answer it counts here, and asks it again after 2 seconds only', async () => {
  let asked = 0
  const redis = redisThat(true, () => {
    asked += 1
    throw new Error('Redis does not answer')
  })
  const instance = await start({ limits: { default: { anonymous: 5 } } }, { redis })
  const limiter = limiterOf(instance)
  const take = () => limiter.take({ limit: 'default', principal: undefined, ip: '192.0.2.1' })

  for (let i = 0; i < 5; i += 1) assert.ok((await take()).allowed)
  assert.not((await take()).allowed)
  assert.is(asked, 1)

  instance.clock.advance(2_000)
  await take()
  assert.is(asked, 2)
  await instance.stop()
})

test('an IPv6 network of 64 bits is one visitor, however its address is written', () => {
  const same = [
    '2001:db8:1:2::1',
    '2001:db8:1:2:ffff:ffff:ffff:ffff',
    '2001:0DB8:0001:0002:0:0:0:9',
    '2001:db8:1:2::',
    '2001:db8:1:2::1%eth0',
  ]
  assert.equal(new Set(same.map(networkOf)).size, 1)
  assert.is.not(networkOf('2001:db8:1:3::1'), networkOf('2001:db8:1:2::1'))
  assert.is(networkOf('::ffff:192.0.2.1'), '192.0.2.1')
  assert.is(networkOf('::1'), '0:0:0:0::/64')
  assert.is(networkOf('192.0.2.1'), '192.0.2.1')
})

test('any address is counted as something, and two hosts of a network as the same', () => {
  fc.assert(
    fc.property(fc.ipV6(), fc.string(), (address, text) => {
      assert.type(networkOf(text), 'string')
      assert.match(networkOf(address), /^([0-9a-f]{1,4}:){4}:\/64$|^[\d.]+$/)
    }),
  )
})

test.run()
