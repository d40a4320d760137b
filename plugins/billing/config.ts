import * as z from 'zod'
import { duration, secret } from 'autodocops'

const limit = z.strictObject({
  amount: z.int().min(0).nullable().describe('How much of it; null is unlimited'),
  per: z
    .enum(['period', 'month', 'day'])
    .default('period')
    .describe('When it starts anew: with the subscription, the calendar month or the day (UTC)'),
})

const plan = z.strictObject({
  prices: z
    .array(z.string().min(1))
    .default([])
    .describe('Stripe price ids that mean this plan; a checkout takes the first'),
  lookupKeys: z
    .array(z.string().min(1))
    .default([])
    .describe('Stripe lookup keys that mean this plan, for accounts where price ids change'),
  products: z
    .array(z.string().min(1))
    .default([])
    .describe('Stripe product ids: any price of theirs means this plan'),
  features: z
    .record(z.string(), z.boolean())
    .default({})
    .describe('What the plan switches on, by name: { chat.stream: true }'),
  limits: z
    .record(z.string(), limit)
    .optional()
    .describe('How much of a meter it gives; a meter that is not named is unlimited'),
})

const worker = z.strictObject({
  concurrency: z.int().min(1).max(64).default(4).describe('Objects worked on at once'),
  batch: z.int().min(1).max(500).default(50).describe('Events claimed at once'),
  poll: duration().prefault('1s').describe('How often an idle worker looks for events'),
  claim: duration().prefault('60s').describe('A claim older than this goes to another worker'),
  lease: duration().prefault('30s').describe('How long one object is held while it is refetched'),
})

const reconcile = z.strictObject({
  every: duration().prefault('5m').describe('How often missed events are looked for in Stripe'),
  overlap: duration().prefault('10m').describe('How far each look goes back behind the last one'),
  first: duration().prefault('1h').describe('How far the very first look goes back'),
  refresh: duration().prefault('24h').describe('A live subscription is refetched when so old'),
})

/** `STRIPE_API_KEY` alone would take money and never hear of it. */
const both = (value: { apiKey?: unknown; webhookSecret?: unknown }) =>
  value.apiKey === undefined || value.webhookSecret !== undefined

export const config = z
  .strictObject({
    apiKey: secret()
      .optional()
      .meta({ env: 'STRIPE_API_KEY' })
      .describe('Secret key of Stripe; without one and with a webhook secret: payload mode'),
    webhookSecret: secret()
      .optional()
      .meta({ env: 'STRIPE_WEBHOOK_SECRET' })
      .describe('Signing secret of the endpoint; several, separated by commas, during a rotation'),
    fake: z
      .boolean()
      .optional()
      .describe('FakeStripe when there is no key; on unless NODE_ENV=production'),
    fakeHost: z
      .string()
      .min(1)
      .default('127.0.0.1')
      .meta({ env: 'BILLING_FAKE_HOST' })
      .describe('Address that FakeStripe listens on; 0.0.0.0 in a container'),
    fakePort: z
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .meta({ env: 'BILLING_FAKE_PORT' })
      .describe('Port of FakeStripe; 0 is any free one, which is kept'),
    apiBase: z.url().optional().describe('Another server that speaks Stripe’s API, for tests'),
    livemode: z
      .boolean()
      .optional()
      .describe('Events of the other mode are ignored; told by the key, else both are taken'),
    plans: z
      .record(z.string().regex(/^[a-z][a-z0-9-]*$/), plan)
      .default({})
      .describe('Plans, from the least to the most; `free` is there without being named'),
    graceDays: z
      .int()
      .min(0)
      .max(90)
      .default(7)
      .describe('Days that a plan stays on after a payment failed'),
    tolerance: duration().prefault('5m').describe('How old the signature of a webhook may be'),
    futureTolerance: duration()
      .prefault('5m')
      .describe('How far ahead of our clock the signature of a webhook may be'),
    payloadAfter: duration()
      .prefault('60s')
      .describe('With Stripe down for so long, an event’s own payload is applied'),
    readsPerSecond: z
      .int()
      .min(1)
      .default(20)
      .describe('Reads from Stripe a second, in this process'),
    routeDeadline: duration().prefault('10s').describe('A call to Stripe inside a request'),
    workerDeadline: duration().prefault('20s').describe('A call to Stripe by the worker'),
    maxQueue: z
      .int()
      .min(1)
      .default(2_000)
      .describe('Webhooks that may wait for the database; more are answered 503'),
    retention: duration()
      .prefault('35d')
      .describe(
        'How long events that are done, and settled reservations, are kept; Stripe keeps 30 days',
      ),
    worker: worker.prefault({}).describe('The worker on the inbox'),
    reconcile: reconcile.prefault({}).describe('The search for missed events and drift'),
  })
  .refine(both, {
    path: ['webhookSecret'],
    error: 'is needed beside apiKey: without it no webhook could be verified',
  })

export type Config = z.output<typeof config>
export type PlanConfig = z.output<typeof plan>
