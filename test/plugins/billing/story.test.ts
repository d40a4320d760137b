import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { rm } from 'node:fs/promises'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { testPlugin } from 'autodocops/testing'

import billing from '../../../plugins/billing/index.ts'
import type { FakeStripe } from '../../../plugins/billing/fake-stripe.ts'
import { embedded } from './stage.ts'

const database = await embedded()
const dataDir = await mkdtemp(join(tmpdir(), 'ado-fake-'))
const plugin = await testPlugin(billing, {
  config: { plans: { pro: {} } },
  services: { database },
  server: { dataDir },
})
plugin.clock.advance(Date.now() - plugin.clock.now())
await plugin.activate()
const alice = { subject: 'alice' }

async function until<T>(ask: () => Promise<T>, is: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = await ask()
    if (is(value) || tries > 200) return value
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

const planOf = async () =>
  (await plugin.inject({ method: 'GET', url: '/billing/subscription', as: alice })).json() as {
    plan: string
    status: string
    cancelAt: string | null
  }

test('without a key and a click everybody is on free', async () => {
  assert.is((await planOf()).plan, 'free')
})

test('checkout, a click on the hosted page and a webhook make the plan pro and raise the limit', async () => {
  const before = await plugin.services.billing.limit('alice', 'chat.tokens')

  const order = await plugin.inject({
    method: 'POST',
    url: '/billing/checkout',
    as: alice,
    body: { plan: 'pro' },
  })
  assert.is(order.status, 201, order.text)
  const { url, id } = order.json() as { url: string; id: string }
  const page = await (await fetch(url)).text()
  assert.match(page, /\$20\.00/)
  const paid = await fetch(url, { method: 'POST', redirect: 'manual' })

  assert.is(paid.status, 303)
  assert.match(paid.headers.get('location') ?? '', new RegExp(`/billing/checkout/${id}$`))
  const now = await until(planOf, ({ plan }) => plan === 'pro')
  assert.is(now.plan, 'pro')
  assert.is(now.status, 'active')
  assert.ok(((await plugin.services.billing.limit('alice', 'chat.tokens')) ?? 0) > (before ?? 0))
})

test('a checkout is made by whatever undici another plugin has brought', async () => {
  const before = getGlobalDispatcher()
  setGlobalDispatcher(new Agent())
  const order = { method: 'POST', url: '/billing/checkout', body: { plan: 'pro' } } as const

  const { status, text } = await plugin.inject({ ...order, as: { subject: 'bob' } })

  setGlobalDispatcher(before)
  assert.is(status, 201, text)
})

test('a second checkout of a plan that is on is refused', async () => {
  const order = await plugin.inject({
    method: 'POST',
    url: '/billing/checkout',
    as: alice,
    body: { plan: 'pro' },
  })

  assert.is(order.status, 409)
})

test('what is cancelled in the portal ends with its period', async () => {
  const opened = await plugin.inject({ method: 'POST', url: '/billing/portal', as: alice })
  assert.is(opened.status, 200, opened.text)
  const { url } = opened.json() as { url: string }
  const html = await (await fetch(url)).text()
  const subscription = /name="subscription" value="(sub_\w+)"/.exec(html)?.[1] ?? ''
  await fetch(url, {
    method: 'POST',
    body: new URLSearchParams({ do: 'cancel', subscription }),
    redirect: 'manual',
  })

  assert.ok((await until(planOf, ({ cancelAt }) => cancelAt !== null)).cancelAt)
  const fake = plugin.services['fake'] as FakeStripe
  fake.billing.advance(40 * 86_400)
  assert.is((await until(planOf, ({ plan }) => plan === 'free')).status, 'canceled')
})

test('the state of the fake outlives its process', async () => {
  const { FakeState } = await import('../../../plugins/billing/fake-state.ts')
  const fake = plugin.services['fake'] as FakeStripe
  fake.state.save()
  const again = new FakeState({
    clock: plugin.clock,
    random: { float: Math.random, bytes: (n) => Buffer.alloc(n), uuid: () => '' },
    dataDir,
  })
  again.load()

  assert.is(again.secret, fake.state.secret)
  assert.equal(again.all('subscription'), fake.state.all('subscription'))
})

test('a command beside the server has a FakeStripe for its own calls alone, with the same state', async () => {
  const command = await testPlugin(billing, {
    config: { plans: { pro: {} } },
    services: { database },
    server: { dataDir, role: 'command' },
  })
  const [its, ours] = [command, plugin].map(({ services }) => services['fake'] as FakeStripe)

  assert.is(its?.url, its?.base)
  assert.is.not(its?.url, ours?.url)
  assert.is(its?.state.secret, ours?.state.secret)
  await command.stop()
})

test('everything ends', async () => {
  await plugin.stop()
  await database.stop()
  await rm(dataDir, { recursive: true, force: true })
})

test.run()
