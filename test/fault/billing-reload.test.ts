/** A server that takes webhooks and sells while its manifest changes: secrets are rotated, links stay good. */
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { postgres } from '../harness/postgres.ts'
import { run, startServer } from '../harness/process.ts'
import type { ServerProcess } from '../harness/process.ts'
import {
  delivery,
  eventsIn,
  onPostgres,
  proPrice,
  quietStripe,
  statusOf,
  withoutReconciler,
} from '../plugins/billing/stage.ts'
import { until } from '../plugins/cache/rig.ts'
import { manifestWith } from './whole-server.ts'

const { url } = await postgres()
const { fake, outgoing, buy } = await quietStripe(13)
const manifestOf = (billing: string) =>
  manifestWith(`
  database: { config: { url: '${url}' } }
  auth: { config: { secret: 'a-key-of-this-test-alone-0123456789abcdef' } }
  billing: { config: { plans: { pro: { prices: [${proPrice}] } }, worker: { poll: 100ms }, ${billing} } }
`)
const signedBy = (...secrets: readonly string[]) =>
  manifestOf(
    `apiKey: sk_test_1, apiBase: '${fake.url}', readsPerSecond: 1000, webhookSecret: '${secrets.join()}'`,
  )
const [old, fresh] = ['whsec_of_last_year', 'whsec_of_this_year']

const server = await startServer({ manifest: signedBy(old) })
const database = await onPostgres(url, false)
await withoutReconciler(database)

async function reload(manifest: string): Promise<void> {
  const { code, stderr } = await run(['reload'], { home: server.home, manifest })
  assert.is(code, 0, stderr)
}

async function post({ url: base }: ServerProcess, event: object, secret: string) {
  const { body, signature } = delivery(event, secret)
  const headers = { 'stripe-signature': signature }
  const sent = await fetch(`${base}/billing/stripe-webhook`, { method: 'POST', body, headers })
  return { status: sent.status, code: ((await sent.json()) as { code: string }).code }
}

/** Sells and sends without a pause, signed by each of these in turn, until it is told to stop. */
async function keepSelling(secrets: readonly string[], state: { goesOn: boolean }) {
  const seen = { acknowledged: [] as string[], subs: [] as string[], refused: [] as string[] }
  while (state.goesOn) {
    seen.subs.push(buy())
    for (const [index, event] of outgoing.splice(0).entries()) {
      const secret = secrets[index % secrets.length] ?? old
      const { status, code } = await post(server, event, secret)
      if (status === 200) seen.acknowledged.push(event.id)
      else seen.refused.push(`${secret}: ${status} ${code}`)
    }
  }
  return seen
}

/** Reloads while it sells; what came of it. */
async function sellingWhile(secrets: readonly string[], change: () => Promise<void>) {
  const state = { goesOn: true }
  const selling = keepSelling(secrets, state)
  await sleep(300)
  await change()
  await sleep(300)
  state.goesOn = false
  return selling
}

test('a secret is rotated by live reloads: nothing acknowledged is lost, and the old one is refused once it is gone', async () => {
  const first = await sellingWhile([old], () => reload(signedBy(fresh, old)))
  const both = await sellingWhile([old, fresh], () => reload(signedBy(old, fresh)))
  const last = await sellingWhile([fresh], () => reload(signedBy(fresh)))
  const rounds = [first, both, last]

  assert.equal(
    rounds.flatMap(({ refused }) => refused),
    [],
  )
  const acknowledged = rounds.flatMap((round) => round.acknowledged)
  const stored = new Set((await eventsIn(database)).map(({ eventId }) => eventId))
  console.log(`# ${acknowledged.length} acknowledged over three reloads`)
  assert.ok(rounds.every((round) => round.acknowledged.length > 0))
  assert.equal(
    acknowledged.filter((id) => !stored.has(id)),
    [],
  )
  const areActive = async () => {
    const subs = rounds.flatMap((round) => round.subs)
    const rows = await Promise.all(subs.map((sub) => statusOf(database, sub)))
    return rows.every((found) => found?.status === 'active')
  }
  await until(areActive, 30_000)
  assert.ok(await areActive(), 'each is worked')

  buy()
  const [event = {}] = outgoing.splice(0)
  assert.equal(await post(server, event, old), { status: 400, code: 'signature_invalid' })
  assert.is((await post(server, event, fresh)).status, 200)
})

test('a link to the payment page of FakeStripe is good over reloads and beside commands', async () => {
  const graced = (days: number) => manifestOf(`graceDays: ${days}`)
  await reload(graced(1))
  const token = (await run(['token', '--sub', 'bob'], { home: server.home, manifest: graced(1) }))
    .stdout
  const headers = { authorization: `Bearer ${token.trim()}`, 'content-type': 'application/json' }
  const ordered = await fetch(`${server.url}/billing/checkout`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ plan: 'pro' }),
  })
  const { url: link = '' } = (await ordered.json()) as { url?: string }
  assert.is(ordered.status, 201)

  const listed = await run(['billing', 'events', 'list'], {
    home: server.home,
    manifest: graced(1),
  })
  assert.is(listed.code, 0, listed.stderr)
  for (const days of [2, 3, 4]) {
    await reload(graced(days))
    assert.match(await (await fetch(link)).text(), /\$20\.00/)
  }
  const paid = await fetch(link, { method: 'POST', redirect: 'manual' })
  const planNow = async () => {
    const answer = await fetch(`${server.url}/billing/subscription`, { headers })
    return ((await answer.json()) as { plan: string }).plan
  }
  await until(async () => (await planNow()) === 'pro', 20_000)

  assert.is(paid.status, 303)
  assert.is(await planNow(), 'pro')
})

test('everything ends', async () => {
  assert.is(await server.stop(), 0)
  await fake.stop()
  await database.stop()
})

test.run()
