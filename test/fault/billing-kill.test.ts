import { spawn } from 'node:child_process'
import { extname } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import { rows } from '../../plugins/billing/sql.ts'
import { sign } from '../../plugins/billing/verify.ts'
import { adopt, exited } from '../harness/ending.ts'
import { postgres } from '../harness/postgres.ts'
import {
  fakeStripe,
  instance,
  onPostgres,
  proPrice,
  settle,
  statusOf,
} from '../plugins/billing/stage.ts'

/** 10 rounds in CI, 200 in a soak. */
const rounds = Math.ceil(10 * Math.min(20, Number(process.env['TEST_SCALE'] ?? 1)))
const victim = fileURLToPath(
  new URL(`./billing-victim${extname(import.meta.url)}`, import.meta.url),
)

const { url } = await postgres()
const database = await onPostgres(url)
const fake = await fakeStripe({ seed: 9 })
const outgoing: FakeObject[] = []
fake.webhooks.send = (event) => void outgoing.push(event)

/** Every event that was answered 200. */
const acknowledged = new Set<string>()
/** All there are; Stripe sends one until it is answered. */
const events: FakeObject[] = []
const subscriptions: string[] = []

async function born(): Promise<{ port: number; kill: () => Promise<unknown> }> {
  const args = [...process.execArgv, victim, url, fake.url, fake.state.secret]
  const child = adopt(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString().trim())))
    child.once('exit', () => reject(new Error('the victim ended by itself')))
  })
  const kill = async () => {
    child.kill('SIGKILL')
    return exited(child)
  }
  return { port, kill }
}

async function post(port: number, event: FakeObject): Promise<void> {
  const body = JSON.stringify(event)
  const headers = { 'stripe-signature': sign(body, fake.state.secret, Date.now()) }
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers })
    if (answer.status === 200) acknowledged.add(event.id)
  } catch {
    // It died: Stripe would try again, and so does the next round.
  }
}

/** Payment links: their customers are linked by a letter to Stripe, the effect that is seen from outside. */
function sell(): void {
  for (let n = 0; n < 10; n += 1) {
    const session = fake.billing.createSession({
      line_items: [{ price: proPrice, quantity: '1' }],
      client_reference_id: `buyer-${subscriptions.length}`,
    })
    fake.billing.completeSession(session.id)
    subscriptions.push(String(fake.billing.get(session.id, 'checkout.session')['subscription']))
  }
  events.push(...outgoing.splice(0))
}

test(`${rounds} × kill -9 at any moment: nothing acknowledged is lost, no effect is doubled`, async () => {
  let next = born()
  for (let round = 0; round < rounds; round += 1) {
    sell()
    const { port, kill } = await next
    if (round + 1 < rounds) next = born()
    const unanswered = events.filter(({ id }) => !acknowledged.has(id))
    const sending = unanswered.flatMap((event) => [post(port, event), post(port, event)])
    if (round % 3 > 0) await Promise.race(sending)
    await sleep(Math.random() * 300)
    await kill()
    await Promise.all(sending)
  }

  const before = acknowledged.size
  const stored = new Set(
    (await rows<{ eventId: string }>(database.knex, `select event_id from billing_events`)).map(
      ({ eventId }) => eventId,
    ),
  )
  const lost = [...acknowledged].filter((id) => !stored.has(id))
  console.log(`# ${rounds} kills, ${before} of ${events.length} events acknowledged`)
  assert.equal(lost, [])
  assert.ok(before > 0)

  const last = await instance({ database, fake })
  for (const event of events) {
    const body = Buffer.from(JSON.stringify(event))
    const signature = sign(body.toString(), fake.state.secret, last.plugin.clock.now())
    await last.webhook.receive({ body, signature })
  }
  await sleep(600)
  await settle(last)
  await database.knex.raw(
    `update billing_events set next_attempt_at = clock_timestamp() where status = 'pending'`,
  )
  await settle(last)
  await database.knex.raw(
    `update billing_outbox set next_attempt_at = clock_timestamp() where status = 'pending'`,
  )
  while (await last.worker.send());

  for (const sub of subscriptions) {
    const found = await statusOf(database, sub)
    assert.is(found?.status, fake.billing.get(sub, 'subscription')['status'])
    assert.match(found?.owner ?? '', /^buyer-/)
  }
  const effects = await rows<{ effect: string; n: number }>(
    database.knex,
    `select effect, count(*)::int as n from billing_effects group by 1 order by 1`,
  )
  assert.equal(effects, [
    { effect: 'checkout.completed', n: subscriptions.length },
    { effect: 'invoice.paid', n: subscriptions.length },
  ])
  const linked = fake.state
    .all('event')
    .filter(({ type }) => type === 'customer.updated')
    .map((event) => (event['data'] as { object: { id: string } }).object.id)
  assert.is(new Set(linked).size, linked.length, 'no customer was linked twice')
  assert.is(linked.length, subscriptions.length)
  await last.stop()
})

test('everything ends', async () => {
  await fake.stop()
  await database.stop()
})

test.run()
