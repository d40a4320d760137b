import Stripe from 'stripe'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { sign, verify } from '../../../plugins/billing/verify.ts'

const stripe = new Stripe('sk_test_1', { telemetry: false })
const payload = JSON.stringify({ id: 'evt_1', object: 'event', text: 'ümlaut €' })
const body = Buffer.from(payload)
const now = 1_800_000_000_000
const options = { secrets: ['whsec_a'], now, toleranceMs: 300_000, futureToleranceMs: 300_000 }

async function sdkHeader(secret: string, timestamp = now / 1_000): Promise<string> {
  return stripe.webhooks.generateTestHeaderStringAsync({
    payload,
    secret,
    timestamp,
    scheme: 'v1',
    signature: '',
    cryptoProvider: Stripe.createSubtleCryptoProvider(),
  })
}

test('a header made by Stripe’s own SDK is valid', async () => {
  assert.is(verify(body, await sdkHeader('whsec_a'), options), 'valid')
})

test('a header of ours is taken by Stripe’s own SDK', async () => {
  const header = sign(payload, 'whsec_a', Date.now())

  const event = await stripe.webhooks.constructEventAsync(payload, header, 'whsec_a')
  assert.is(event.id, 'evt_1')
})

test('any of several secrets may sign, and any v1 of a header may fit', async () => {
  const secrets = ['whsec_new', 'whsec_a']
  const [, mine] = (await sdkHeader('whsec_a')).split(',v1=')
  const rolled = `t=${now / 1_000},v1=${'0'.repeat(64)},v1=${mine ?? ''},v0=abc`

  assert.is(verify(body, await sdkHeader('whsec_a'), { ...options, secrets }), 'valid')
  assert.is(verify(body, rolled, options), 'valid')
})

test('a header in several lines is one header', async () => {
  const header = await sdkHeader('whsec_a')

  assert.is(verify(body, header.split(','), options), 'valid')
})

test('another secret, another body and a broken header are one answer', async () => {
  const good = await sdkHeader('whsec_a')
  const bad = [
    'nonsense',
    't=1',
    'v1=ab',
    `t=x,${good.split(',')[1] ?? ''}`,
    't=,v1=',
    good.slice(0, -1),
  ]

  assert.is(verify(body, await sdkHeader('whsec_b'), options), 'signature_invalid')
  assert.is(verify(Buffer.from(`${payload} `), good, options), 'signature_invalid')
  assert.is(verify(body, good, { ...options, secrets: [] }), 'signature_invalid')
  for (const header of bad) assert.is(verify(body, header, options), 'signature_invalid', header)
})

test('a missing header is said to be missing', () => {
  assert.is(verify(body, undefined, options), 'signature_missing')
  assert.is(verify(body, '', options), 'signature_missing')
})

test('a signature is refused from 300 s on, on both sides of now', async () => {
  const at = async (ms: number) =>
    verify(body, await sdkHeader('whsec_a', (now + ms) / 1_000), options)

  assert.is(await at(-300_000), 'valid')
  assert.is(await at(-301_000), 'timestamp_out_of_tolerance')
  assert.is(await at(300_000), 'valid')
  assert.is(await at(301_000), 'timestamp_out_of_tolerance')
  assert.is(await at(86_400_000), 'timestamp_out_of_tolerance')
})

test.run()
