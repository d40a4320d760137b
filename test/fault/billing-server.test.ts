/** A whole server that takes webhooks: ended by SIGTERM under load, and with a Redis that dies. */
import { setTimeout as sleep } from 'node:timers/promises'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { FakeObject } from '../../plugins/billing/fake-state.ts'
import { postgres } from '../harness/postgres.ts'
import { startServer } from '../harness/process.ts'
import type { ServerProcess } from '../harness/process.ts'
import { privateRedis } from '../harness/redis.ts'
import {
  count,
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
const redis = await privateRedis()
const { fake, outgoing, buy } = await quietStripe(12)

const manifest = manifestWith(`
  database: { config: { url: '${url}' } }
  redis: { config: { url: '${redis.url}' } }
  cache: true
  auth: { config: { secret: 'a-key-of-this-test-alone-0123456789abcdef' } }
  billing:
    config:
      apiKey: sk_test_1
      webhookSecret: ${fake.state.secret}
      apiBase: ${fake.url}
      plans: { pro: { prices: [${proPrice}] } }
      readsPerSecond: 1000
      worker: { poll: 100ms, claim: 1s, lease: 1s }
`)

// Its tables are there after a start; and the reconciler would make up for what a server lost.
assert.is(await (await startServer({ manifest })).stop(), 0)
const database = await onPostgres(url, false)
await withoutReconciler(database)

/** Sells so many subscriptions; their ids, and the events that tell of them. */
function sell(many: number): { subs: string[]; events: FakeObject[] } {
  const subs = Array.from({ length: many }, () => buy())
  return { subs, events: outgoing.splice(0) }
}

/** The status; `undefined` where the connection broke: Stripe would send it again. */
async function post({ url: base }: ServerProcess, event: FakeObject): Promise<number | undefined> {
  const { body, signature } = delivery(event, fake.state.secret)
  const headers = { 'stripe-signature': signature }
  try {
    const sent = await fetch(`${base}/billing/stripe-webhook`, { method: 'POST', body, headers })
    await sent.body?.cancel()
    return sent.status
  } catch {
    return undefined
  }
}

const areActive = async (subs: readonly string[]): Promise<boolean> => {
  const found = await Promise.all(subs.map((sub) => statusOf(database, sub)))
  return found.every((one) => one?.status === 'active' && one.owner === 'alice')
}

test('SIGTERM under load: nothing acknowledged is lost, and the next server finishes it', async () => {
  const { subs, events } = sell(40)
  const first = await startServer({ manifest })
  assert.equal(await eventsIn(database), [])
  const answers = new Map<string, number | undefined>()
  let isEnding = false
  const sending = Array.from({ length: 8 }, async (_, lane) => {
    for (const event of events.filter((_one, index) => index % 8 === lane)) {
      answers.set(event.id, await post(first, event))
      if (isEnding) break
    }
  })
  await until(() => answers.size > events.length / 4, 20_000)
  const ended = first.stop()
  isEnding = true
  const code = await ended
  await Promise.all(sending)

  const acknowledged = [...answers].flatMap(([id, status]) => (status === 200 ? [id] : []))
  const stored = new Set((await eventsIn(database)).map(({ eventId }) => eventId))
  assert.is(code, 0)
  assert.ok(acknowledged.length < events.length, 'it ended before all was sent')
  assert.equal(
    acknowledged.filter((id) => !stored.has(id)),
    [],
  )
  assert.equal(
    [...answers.values()].filter((status) => ![200, 503, undefined].includes(status)),
    [],
  )

  const second = await startServer({ manifest })
  for (const event of events)
    if (answers.get(event.id) !== 200) assert.is(await post(second, event), 200)
  const took = await until(() => areActive(subs), 30_000)
  assert.ok(await areActive(subs), `after ${took} ms`)
  assert.is(await second.stop(), 0)
})

test('without Redis webhooks are taken and worked as with it', async () => {
  const server = await startServer({ manifest })
  const before = await count(database, 'billing_events')
  await redis.kill('SIGKILL')
  await sleep(300)
  const { subs, events } = sell(10)

  const statuses = await Promise.all(events.map((event) => post(server, event)))
  await until(() => areActive(subs), 30_000)

  assert.equal([...new Set(statuses)], [200])
  assert.ok(await areActive(subs))
  assert.is(await count(database, 'billing_events'), before + events.length)
  assert.match(server.output, /redis went down/)
  assert.is(await server.stop(), 0)
})

test('everything ends', async () => {
  await fake.stop()
  await database.stop()
})

test.run()
