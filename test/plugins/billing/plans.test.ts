import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../../plugins/billing/config.ts'
import { decodeForm } from '../../../plugins/billing/fake-form.ts'
import { GroupCommit } from '../../../plugins/billing/group-commit.ts'
import { Loop } from '../../../plugins/billing/loop.ts'
import { livemodeOf, modeOf, secretsIn } from '../../../plugins/billing/mode.ts'
import { Catalogue } from '../../../plugins/billing/plans.ts'
import { retryDelay } from '../../../plugins/billing/claims.ts'
import { allowedUrl } from '../../../plugins/billing/redirects.ts'
import type { ItemFacts } from '../../../plugins/billing/subscription-shape.ts'
import { until } from '../../harness/until.ts'

const nothing: ItemFacts = {
  id: null,
  price: null,
  lookupKey: null,
  product: null,
  quantity: null,
  periodStart: null,
  periodEnd: null,
}
const parsed = config.parse({
  plans: {
    pro: { prices: ['price_1'], lookupKeys: ['pro_month'], products: ['prod_1'] },
    team: { prices: ['price_2'], limits: {} },
  },
})
const catalogue = new Catalogue(parsed, false)

test('a price means its plan, then its lookup key, then its product', () => {
  assert.is(catalogue.planOf([{ ...nothing, price: 'price_1' }]), 'pro')
  assert.is(catalogue.planOf([{ ...nothing, price: 'price_9', lookupKey: 'pro_month' }]), 'pro')
  assert.is(catalogue.planOf([{ ...nothing, price: 'price_9', product: 'prod_1' }]), 'pro')
})

test('of several items the greatest plan counts', () => {
  const items = [
    { ...nothing, price: 'price_2' },
    { ...nothing, price: 'price_1' },
  ]

  assert.is(catalogue.planOf(items), 'team')
})

test('a price that nobody named is the plan unknown, and no error', () => {
  assert.is(catalogue.planOf([{ ...nothing, price: 'price_9' }]), 'unknown')
  assert.is(catalogue.planOf([]), 'unknown')
})

test('free is there without being named, and has less than pro', () => {
  assert.equal(
    catalogue.plans.map(({ id }) => id),
    ['free', 'pro', 'team'],
  )
  const [free, pro] = [catalogue.free, catalogue.find('pro')]
  assert.ok((free.limits['chat.tokens']?.amount ?? 0) < (pro?.limits['chat.tokens']?.amount ?? 0))
  assert.equal(catalogue.find('team')?.limits, {})
})

test('only FakeStripe gives a price to a plan without one', () => {
  const bare = config.parse({ plans: { pro: {} } })

  assert.is(new Catalogue(bare, false).forSale('pro'), undefined)
  assert.equal(new Catalogue(bare, true).forSale('pro')?.prices, ['price_fake_pro'])
  assert.is(new Catalogue(bare, true).forSale('free'), undefined)
})

const mode = (given: object, production = false) => modeOf(config.parse(given), { production })

test('neither key is FakeStripe, a secret alone is payload mode, both are Stripe', () => {
  assert.is(mode({}), 'fake')
  assert.is(mode({ webhookSecret: 'whsec_1' }), 'payload')
  assert.is(mode({ apiKey: 'sk_test_1', webhookSecret: 'whsec_1' }), 'stripe')
})

test('a key without a webhook secret is a fault at the secret', () => {
  const result = config.safeParse({ apiKey: 'sk_test_1' })

  assert.is(result.success, false)
  assert.equal(result.error?.issues[0]?.path, ['webhookSecret'])
})

test('production has no FakeStripe unless it is asked for', () => {
  assert.is(mode({}, true), 'off')
  assert.is(mode({ fake: true }, true), 'fake')
  assert.is(mode({ fake: false }), 'off')
})

test('the sample keys of the seed count as absent', () => {
  const samples = {
    apiKey: 'sk_test_your_stripe_key_here',
    webhookSecret: 'whsec_your_webhook_secret_here',
  }

  assert.is(mode(samples), 'fake')
})

test('the mode of events is that of the key', () => {
  const of = (apiKey: string) => livemodeOf(config.parse({ apiKey, webhookSecret: 'w' }), 'stripe')

  assert.is(of('sk_live_1'), true)
  assert.is(of('rk_live_1'), true)
  assert.is(of('sk_test_1'), false)
  assert.is(livemodeOf(config.parse({ webhookSecret: 'w' }), 'payload'), undefined)
})

test('one variable holds several secrets', () => {
  assert.equal(secretsIn(config.parse({ webhookSecret: 'whsec_a, whsec_b' })), [
    'whsec_a',
    'whsec_b',
  ])
})

test('redirects lead to us or to an origin of the manifest, and nowhere else', () => {
  const server = { publicUrl: 'https://api.example.com', origins: ['https://app.example.com'] }
  const refused = [
    'https://evil.example',
    'https://api.example.com.evil.example/',
    'https://api.example.com@evil.example/',
    'http://api.example.com/',
    'javascript:alert(1)',
    '//evil.example',
    '/relative',
    'https://user@api.example.com/',
  ]

  assert.is(
    allowedUrl('https://app.example.com/done?x=1', server),
    'https://app.example.com/done?x=1',
  )
  assert.is(allowedUrl('https://api.example.com/a', server), 'https://api.example.com/a')
  for (const url of refused) assert.throws(() => allowedUrl(url, server), undefined, url)
})

test('ten retries take about 46 hours, and then it is dead', () => {
  const delays = Array.from({ length: 11 }, (_, at) => retryDelay(at + 1, () => 0.5))

  assert.is(delays[0], 5_000)
  assert.is(delays[10], undefined)
  const hours = delays.slice(0, 10).reduce<number>((sum, ms) => sum + (ms ?? 0), 0) / 3_600_000
  assert.ok(hours > 46 && hours < 47, `${hours}`)
})

test('the form encoding of Stripe is read, lists and nested keys alike', () => {
  const form = decodeForm(
    'items[0][price]=p1&items[1][price]=p2&metadata[owner]=a%20b&expand[]=x&expand[]=y&a=1',
  )

  assert.equal(form, {
    items: [{ price: 'p1' }, { price: 'p2' }],
    metadata: { owner: 'a b' },
    expand: ['x', 'y'],
    a: '1',
  })
})

test('a form cannot reach a prototype', () => {
  decodeForm('__proto__[polluted]=1&constructor[prototype][polluted]=1')

  assert.is(({} as Record<string, unknown>)['polluted'], undefined)
})

test('callers that come while a batch is being written are the next batch', async () => {
  const batches: number[][] = []
  const commit = new GroupCommit<number, number>({
    write: async (items) => {
      batches.push([...items])
      await new Promise((resolve) => setTimeout(resolve, 5))
      return items.map((item) => item * 2)
    },
    maxBatch: 3,
    maxQueue: 10,
    refuse: () => new Error('full'),
  })

  const results = await Promise.all([1, 2, 3, 4, 5].map((item) => commit.add(item)))
  assert.equal(results, [2, 4, 6, 8, 10])
  assert.equal(batches, [
    [1, 2, 3],
    [4, 5],
  ])
})

test('a batch that fails fails for its own callers only', async () => {
  let isDown = true
  const commit = new GroupCommit<number, number>({
    write: (items) => (isDown ? Promise.reject(new Error('down')) : Promise.resolve([...items])),
    maxBatch: 10,
    maxQueue: 10,
    refuse: () => new Error('full'),
  })

  const failed = await Promise.allSettled([commit.add(1), commit.add(2)])
  isDown = false
  assert.equal(
    failed.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.is(await commit.add(3), 3)
})

test('a full queue and a closed one refuse', async () => {
  let release: () => void = () => {}
  const commit = new GroupCommit<number, number>({
    write: (items) => new Promise((resolve) => (release = () => resolve([...items]))),
    maxBatch: 1,
    maxQueue: 2,
    refuse: () => new Error('full'),
  })
  const first = commit.add(1)
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  const waiting = [commit.add(2), commit.add(3)]

  const refused = await Promise.allSettled([commit.add(4)])
  assert.is(refused[0]?.status, 'rejected')
  commit.close()
  assert.is((await Promise.allSettled([commit.add(5)]))[0]?.status, 'rejected')
  release()
  await first
  for (const one of waiting) {
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    release()
    await one
  }
})

test('a woken loop runs at once, and a stopped one has ended', async () => {
  let runs = 0
  const loop = new Loop(
    async () => (runs += 1) < 0,
    60_000,
    () => {},
  )
  loop.start()
  await until(() => runs === 1)
  await new Promise(setImmediate)
  loop.wake()
  await until(() => runs === 2)
  await loop.stop()
  loop.wake()

  assert.is(runs, 2)
})

test('a loop goes on after an error', async () => {
  const errors: unknown[] = []
  let runs = 0
  const loop = new Loop(
    () => ((runs += 1) === 1 ? Promise.reject(new Error('once')) : Promise.resolve(false)),
    5,
    (error) => errors.push(error),
  )
  loop.start()
  await until(() => runs > 1)
  await loop.stop()

  assert.is(errors.length, 1)
  assert.ok(runs > 1)
})

test.run()
