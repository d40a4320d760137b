import { isProblem } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { count, embedded, emptied, fakeStripe, instance, proPrice } from './stage.ts'

const database = await embedded()
const fake = await fakeStripe({ seed: 3 })
const one = await instance({ database, fake })
const sold: object[] = []
fake.webhooks.send = (event) => void sold.push(event)
const { billing } = one
const alice = { subject: 'alice', scopes: [], via: 'test' }

test.before.each(() => emptied(database))

const meter = 'chat.tokens'
const free = 100_000
const held = { ttlMs: 60_000 }

async function subscribed(owner: string): Promise<string> {
  const customer = fake.billing.createCustomer({}).id
  const sub = fake.billing.createSubscription({
    customer,
    items: [{ price: proPrice }],
    metadata: { owner },
  })
  await one.synchroniser.sync(sub.id)
  return sub.id
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    return isProblem(error) ? `${error.status} ${error.code}` : error
  }
}

test('a reservation takes from what is left, and a commit counts what was really used', async () => {
  const reserved = await billing.reserve('alice', meter, 1_000, { key: 'a', ...held })
  assert.equal([reserved.ok, reserved.remaining], [true, free - 1_000])
  if (!reserved.ok) return

  await billing.commit(reserved.id, 300)
  assert.equal(await billing.usage('alice', meter), {
    used: 300,
    reserved: 0,
    limit: free,
    resetAt: (await billing.usage('alice', meter)).resetAt,
  })
})

test('the same key is the same reservation', async () => {
  const [a, b] = [
    await billing.reserve('alice', meter, 1_000, { key: 'a', ...held }),
    await billing.reserve('alice', meter, 1_000, { key: 'a', ...held }),
  ]

  assert.ok(a.ok && b.ok && a.id === b.id)
  assert.is((await billing.usage('alice', meter)).reserved, 1_000)
})

test('what is settled is settled: a second commit and a late release change nothing', async () => {
  const reserved = await billing.reserve('alice', meter, 1_000, { key: 'a', ...held })
  if (!reserved.ok) throw new Error('refused')
  await Promise.all([billing.commit(reserved.id, 300), billing.commit(reserved.id, 900)])
  await billing.release(reserved.id)

  const { used, reserved: left } = await billing.usage('alice', meter)
  assert.ok(used === 300 || used === 900)
  assert.is(left, 0)
})

test('a release gives everything back', async () => {
  const reserved = await billing.reserve('alice', meter, free, { key: 'a', ...held })
  if (!reserved.ok) throw new Error('refused')
  await billing.release(reserved.id)

  assert.is((await billing.reserve('alice', meter, free, { key: 'b', ...held })).ok, true)
})

test('fifty at once never go over the limit', async () => {
  const wanted = Array.from({ length: 50 }, (_, at) =>
    billing.reserve('alice', meter, free / 10, { key: `k${at}`, ...held }),
  )

  const taken = (await Promise.all(wanted)).filter(({ ok }) => ok)
  assert.is(taken.length, 10)
  assert.is((await billing.usage('alice', meter)).reserved, free)
})

test('one that is refused leaves nothing behind', async () => {
  const refused = await billing.reserve('alice', meter, free + 1, { key: 'a', ...held })

  assert.equal([refused.ok, refused.remaining], [false, free])
  assert.is(await count(database, 'billing_reservations'), 0)
})

test('a reservation that nobody settled runs out, and is still counted when its work ends', async () => {
  const reserved = await billing.reserve('alice', meter, 1_000, { key: 'a', ttlMs: 0 })
  if (!reserved.ok) throw new Error('refused')
  await one.worker.sweep()
  assert.is((await billing.usage('alice', meter)).reserved, 0)

  await billing.commit(reserved.id, 700)
  const { used, reserved: left } = await billing.usage('alice', meter)
  assert.equal([used, left], [700, 0])
})

test('a meter that no plan names has no limit', async () => {
  assert.is(await billing.limit('alice', 'other'), null)
  const reserved = await billing.reserve('alice', 'other', 1_000_000, { key: 'a', ...held })
  assert.equal([reserved.ok, reserved.remaining], [true, null])
})

test('a plan brings its features and its period', async () => {
  await subscribed('alice')
  const state = await billing.plan('alice')

  assert.is(await billing.has('alice', 'chat.stream'), true)
  assert.is(await billing.has('bob', 'chat.stream'), false)
  assert.is(await billing.limit('alice', meter), 2_000_000)
  assert.is((await billing.usage('alice', meter)).resetAt, state.periodEnd)
})

test('an instance whose clock is in another month counts into the month of the database', async () => {
  const first = await billing.reserve('alice', meter, free, { key: 'a', ...held })
  const ahead = 32 * 86_400_000
  one.plugin.clock.advance(ahead)
  const next = await billing.reserve('alice', meter, 1, { key: 'b', ...held })
  one.plugin.clock.advance(-ahead)

  assert.equal(next, { ok: false, remaining: 0, resetAt: first.resetAt })
})

test('what was used in the month before is not counted in this one', async () => {
  await billing.reserve('alice', meter, free, { key: 'a', ...held })
  await database.knex.raw(
    `update billing_usages set period_start = (period_start at time zone 'utc' - interval '1 month') at time zone 'utc'`,
  )

  assert.is((await billing.reserve('alice', meter, 1, { key: 'b', ...held })).ok, true)
})

test('a guard lets pass who has the plan, the feature and something left', async () => {
  await subscribed('alice')

  assert.is(
    await codeOf(billing.guard(alice, { plan: 'pro', feature: 'chat.stream', meter })),
    undefined,
  )
  assert.is(await codeOf(billing.guard(alice, { plan: 'free' })), undefined)
})

test('a guard answers 402 for a plan, a feature or a plan that does not exist', async () => {
  assert.is(await codeOf(billing.guard(alice, { plan: 'pro' })), '402 plan_required')
  assert.is(await codeOf(billing.guard(alice, { feature: 'chat.stream' })), '402 plan_required')
  assert.is(await codeOf(billing.guard(alice, { plan: 'nope' })), '402 plan_required')
})

test('a guard answers 429 when nothing is left, and says until when', async () => {
  await billing.reserve('alice', meter, free, { key: 'a', ...held })

  const off = 40 * 86_400_000
  one.plugin.clock.advance(-off)
  const error = await billing.guard(alice, { meter }).catch((problem: unknown) => problem)
  one.plugin.clock.advance(off)
  assert.ok(isProblem(error))
  assert.is(error.code, 'quota_exceeded')
  const seconds = Number(error.headers['Retry-After'])
  assert.ok(seconds > 0 && seconds <= 31 * 86_400, 'by the clock of the database')
})

/** Each test has a buyer of its own: FakeStripe remembers, as Stripe does, what a key was used for. */
let buyer = 'alice'
test.before.each(() => {
  buyer = `buyer-${Math.random()}`
})

const order = (body: object, subject = buyer) =>
  one.plugin.inject({ method: 'POST', url: '/billing/checkout', as: { subject }, body })

test('a checkout is one for its plan, however often it is asked for', async () => {
  const answers = await Promise.all([
    order({ plan: 'pro' }),
    order({ plan: 'pro' }),
    order({ plan: 'pro' }),
  ])
  const ids = answers.map((answer) => (answer.json() as { id: string }).id)

  assert.equal(
    answers.map(({ status }) => status),
    [201, 201, 201],
  )
  assert.is(new Set(ids).size, 1)
  assert.is((await order({ plan: 'pro' })).status, 201)
  assert.is(await count(database, 'billing_checkouts'), 1)
  assert.is(await count(database, 'billing_customers'), 1)
})

test('one that Stripe has let expire is followed by another', async () => {
  const first = (await order({ plan: 'pro' })).json() as { id: string }
  fake.billing.expireSession(first.id)
  const second = (await order({ plan: 'pro' })).json() as { id: string; url: string }

  assert.is.not(second.id, first.id)
  assert.match(second.url, /^http:\/\/127/)
})

test('who comes back from paying has his plan before any webhook', async () => {
  const { id } = (await order({ plan: 'pro' })).json() as { id: string }
  fake.billing.completeSession(id)
  const back = await one.plugin.inject({ method: 'GET', url: `/billing/checkout/${id}` })

  assert.equal((back.json() as { status: string }).status, 'complete')
  assert.is((await billing.plan(buyer)).plan, 'pro')
  assert.is(await count(database, 'billing_events'), 0)
})

test('a browser that comes back gets a page', async () => {
  const { id } = (await order({ plan: 'pro' })).json() as { id: string }
  fake.billing.completeSession(id)
  const back = await one.plugin.inject({
    method: 'GET',
    url: `/billing/checkout/${id}`,
    headers: { accept: 'text/html,application/xhtml+xml' },
  })

  assert.match(back.headers['content-type'] ?? '', /text\/html/)
  assert.match(back.text, /Thank you.*pro/s)
})

test('what cannot be bought, and where nobody may be sent, is refused', async () => {
  const codes = await Promise.all(
    [
      { plan: 'free' },
      { plan: 'nope' },
      { plan: 'pro', price: 'price_other' },
      { plan: 'pro', successUrl: 'https://evil.example/' },
      { plan: 'pro', extra: 1 },
    ].map(async (body) => ((await order(body)).json() as { code: string }).code),
  )

  assert.equal(codes.slice(0, 4), [
    'plan_unknown',
    'plan_unknown',
    'plan_unknown',
    'redirect_not_allowed',
  ])
})

test('Stripe that is down makes a checkout 503, and a wrong answer 502', async () => {
  fake.faults.add({ kind: '500', path: '/customers', times: 1 })
  assert.is((await order({ plan: 'pro' }, 'zoe')).status, 503)
  fake.faults.add({ kind: 'junk-502', path: '/customers', times: 1 })
  const junk = await order({ plan: 'pro' }, 'zoe')

  assert.equal(
    [junk.status, (junk.json() as { code: string }).code],
    [502, 'stripe_invalid_response'],
  )
  assert.is((await order({ plan: 'pro' }, 'zoe')).status, 201)
})

test('plans, usage and the plan are shown', async () => {
  const get = async (url: string) =>
    (await one.plugin.inject({ method: 'GET', url, as: alice })).json() as Record<string, unknown>
  const plans = (await get('/billing/plans'))['items'] as { id: string; isForSale: boolean }[]

  assert.equal(
    plans.map(({ id, isForSale }) => [id, isForSale]),
    [
      ['free', false],
      ['pro', true],
    ],
  )
  assert.is((await get('/billing/subscription'))['status'], 'none')
  assert.is(((await get('/billing/usage'))['items'] as { meter: string }[])[0]?.meter, meter)
})

test('everything ends', async () => {
  await one.stop()
  await fake.stop()
  await database.stop()
})

test.run()
