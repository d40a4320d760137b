import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { BillingEvents } from 'autodocops/plugins/billing'

import { thinTwin } from '../../../plugins/billing/fake-event.ts'
import { root } from '../../harness/root.ts'
import { count, delivery, embedded, emptied, eventsIn, instance } from './stage.ts'

const database = await embedded()
const secret = 'whsec_test'
const one = await instance({ database, secret: `${secret},whsec_old`, config: { livemode: false } })
const heard = one.plugin.heard(BillingEvents, 'billing:webhook-received')

test.before.each(() => emptied(database))

let serial = 0
const event = (change: object = {}) => ({
  id: `evt_${(serial += 1)}`,
  object: 'event',
  api_version: '2026-10-28.endive',
  created: Math.floor(Date.now() / 1_000),
  livemode: false,
  type: 'customer.subscription.updated',
  data: { object: { id: 'sub_1', object: 'subscription', customer: 'cus_1', status: 'active' } },
  ...change,
})

async function post(body: Buffer | string, headers: Record<string, string | undefined>) {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined)
  const answer = await one.plugin.inject({
    method: 'POST',
    url: '/billing/stripe-webhook',
    headers: Object.fromEntries(given) as Record<string, string>,
    body,
  })
  return {
    status: answer.status,
    code: codeOf(answer.text),
    retryAfter: answer.headers['retry-after'],
  }
}

const codeOf = (text: string) => (JSON.parse(text || '{}') as { code?: string }).code

function send(what: object, from = secret, at = one.plugin.clock.now()) {
  const { body, signature } = delivery(what, from, at)
  return post(body, { 'stripe-signature': signature })
}

test('a good new event is received, and is there', async () => {
  const sent = event()

  assert.equal(await send(sent), { status: 200, code: 'received', retryAfter: undefined })
  const [row] = await eventsIn(database)
  assert.is(row?.eventId, sent.id)
  assert.is(row?.status, 'pending')
})

test('the same event again is a duplicate, counted on its row', async () => {
  const sent = event()
  await send(sent)

  assert.is((await send(sent, 'whsec_old')).code, 'duplicate')
  const rows = await eventsIn(database)
  assert.is(rows.length, 1)
  assert.is(rows[0]?.deliveries, 2)
})

for (const [first, second] of [
  ['snapshot', 'thin'],
  ['thin', 'snapshot'],
] as const) {
  test(`${second} after ${first} is the same event, and its payload is kept`, async () => {
    const snapshot = event()
    const forms = { snapshot, thin: thinTwin(snapshot) }
    await send(forms[first])

    assert.is((await send(forms[second])).code, 'duplicate')
    assert.is((await eventsIn(database)).length, 1)
    const { rows } = await database.knex.raw('select form, raw from billing_events')
    assert.is(rows[0].form, 'snapshot')
    assert.is(rows[0].raw, JSON.stringify(snapshot))
  })
}

test('twins in the same batch are one row', async () => {
  const snapshot = event()

  const codes = await Promise.all(
    [snapshot, thinTwin(snapshot), snapshot].map((form) => send(form)),
  )
  assert.is(codes.filter(({ code }) => code === 'received').length, 1)
  assert.is((await eventsIn(database))[0]?.deliveries, 3)
})

test('a type that nobody handles is kept and ignored', async () => {
  const sent = event({
    type: 'charge.refunded',
    data: { object: { id: 'ch_1', object: 'charge' } },
  })

  assert.is((await send(sent)).code, 'ignored')
  assert.is((await eventsIn(database))[0]?.status, 'ignored')
})

test('an event about an invoice without an id is received', async () => {
  const sent = event({
    type: 'invoice.upcoming',
    data: { object: { object: 'invoice', customer: 'cus_1' } },
  })

  assert.is((await send(sent)).code, 'received')
})

test('an event of the other mode is ignored', async () => {
  assert.is((await send(event({ livemode: true }))).code, 'ignored_mode')
  assert.is((await eventsIn(database))[0]?.status, 'ignored')
})

test('without a signature nothing is read or stored', async () => {
  const body = JSON.stringify(event())

  assert.equal(await post(body, {}), {
    status: 400,
    code: 'signature_missing',
    retryAfter: undefined,
  })
  assert.is(await count(database, 'billing_events'), 0)
})

test('a wrong secret, a tampered body and a malformed header are one answer', async () => {
  const { body, signature } = delivery(event(), secret, one.plugin.clock.now())
  const answers = await Promise.all([
    send(event(), 'whsec_other'),
    post(Buffer.concat([body, Buffer.from(' ')]), { 'stripe-signature': signature }),
    post(body, { 'stripe-signature': 'v1' }),
  ])

  for (const answer of answers) {
    assert.equal(answer, { status: 400, code: 'signature_invalid', retryAfter: undefined })
  }
  assert.is(await count(database, 'billing_events'), 0)
})

test('a signature from before and from after now is refused by its time', async () => {
  const now = one.plugin.clock.now()

  for (const at of [now - 301_000, now + 302_000]) {
    assert.is((await send(event(), secret, at)).code, 'timestamp_out_of_tolerance')
  }
})

test('a signed body that is no event is malformed', async () => {
  assert.is((await send({ hello: 'world' })).code, 'event_malformed')
  assert.is((await send([])).code, 'event_malformed')
})

test('what no column or index holds keeps back no other event of its batch', async () => {
  const long = randomBytes(5_000).toString('hex')
  const answers = await Promise.all([
    send(event()),
    send(event({ created: 8.64e12 })),
    send(event({ snapshot_event: long })),
    send(event({ account: long })),
    send(event({ data: { object: { id: long, object: 'customer' } } })),
  ])

  assert.equal(
    answers.map(({ status }) => status),
    [200, 400, 200, 200, 200],
  )
  assert.is(await count(database, 'billing_events'), 4)
})

test('an empty body is missing', async () => {
  assert.is((await post('', { 'stripe-signature': 't=1,v1=a' })).code, 'body_missing')
})

const readme = readFileSync(join(root, 'plugins/billing/README.md'), 'utf8')

test('a compressed body is refused, by the code that the README tells', async () => {
  const { body, signature } = delivery(event(), secret, one.plugin.clock.now())
  const answer = await post(gzipSync(body), {
    'stripe-signature': signature,
    'content-encoding': 'gzip',
  })

  assert.is(answer.status, 415)
  assert.is(answer.code, 'unsupported_content_encoding')
  assert.match(readme, `415 \`${answer.code}\``)
})

test('a body over 1 MiB is too large', async () => {
  const { body, signature } = delivery(event({ pad: 'x'.repeat(1_100_000) }), secret)

  assert.is((await post(body, { 'stripe-signature': signature })).status, 413)
})

test('another method is not allowed', async () => {
  const answer = await one.plugin.inject({ method: 'GET', url: '/billing/stripe-webhook' })

  assert.is(answer.status, 405)
  assert.match(answer.headers.allow ?? '', /POST/)
})

test('ten thousand deliveries of a hundred events are a hundred rows', async () => {
  const events = Array.from({ length: 100 }, () => event())
  const now = one.plugin.clock.now()
  const deliveries = events.map((what) => delivery(what, secret, now))
  const lane = async (from: number) => {
    const answers: string[] = []
    for (let at = from; at < 10_000; at += 32) {
      const given = deliveries[at % 100]
      if (given) answers.push(await one.webhook.receive(given))
    }
    return answers
  }

  const answers = (await Promise.all(Array.from({ length: 32 }, (_, from) => lane(from)))).flat()
  assert.is(answers.length, 10_000)
  assert.is(answers.filter((answer) => answer === 'received').length, 100)
  const rows = await eventsIn(database)
  assert.is(rows.length, 100)
  assert.is(
    rows.reduce((sum, row) => sum + row.deliveries, 0),
    10_000,
  )
})

test('every delivery is told with its outcome', async () => {
  const before = heard.length
  const sent = event()
  await send(sent)
  await send(sent)
  await send(event(), 'whsec_other')
  await send(event(), secret, 1)

  const outcomes = heard.slice(before).map(({ outcome }) => outcome)
  assert.equal(outcomes, ['processed', 'duplicate', 'invalid_signature', 'stale'])
})

test('with the database gone the answer is 503, and Stripe is asked to come again', async () => {
  const broken = await instance({
    database: {
      ...database,
      knex: new Proxy(database.knex, { get: () => () => Promise.reject(new Error('down')) }),
    },
    secret,
  })
  const { body, signature } = delivery(event(), secret, broken.plugin.clock.now())
  const answer = await broken.plugin.inject({
    method: 'POST',
    url: '/billing/stripe-webhook',
    headers: { 'stripe-signature': signature },
    body,
  })

  assert.is(answer.status, 503)
  assert.is(codeOf(answer.text), 'unavailable')
  assert.is(answer.headers['retry-after'], '5')
  await broken.stop()
})

test('a plugin that is going away refuses with 503', async () => {
  const leaving = await instance({ database, secret })
  leaving.webhook.close()
  const { body, signature } = delivery(event(), secret, leaving.plugin.clock.now())

  const answer = await leaving.plugin.inject({
    method: 'POST',
    url: '/billing/stripe-webhook',
    headers: { 'stripe-signature': signature },
    body,
  })
  assert.is(answer.status, 503)
  await leaving.stop()
})

test('no answer and no log line holds the secret or a signature', async () => {
  await send(event(), 'whsec_other')
  await send(event())

  assert.not.match(JSON.stringify(one.plugin.logs), /whsec_|v1=/)
})

test('everything ends', async () => {
  await one.stop()
  await database.stop()
})

test.run()
