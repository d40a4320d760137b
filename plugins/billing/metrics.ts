import { counter, gauge, histogram, open } from 'autodocops'
import type { DatabaseService } from 'autodocops/plugins/database'

import { BillingEvents } from './contract.ts'
import { backlogOf } from './event-log.ts'
import type { Catalogue } from './plans.ts'
import { countByPlan } from './subscriptions.ts'

/** A type outside this list is `other`: whoever sends webhooks cannot mint label values. */
const types = [
  'checkout.session.completed',
  'invoice.payment_succeeded',
  'customer.subscription.deleted',
  'other',
] as const
const outcomes = [
  'processed',
  'duplicate',
  'ignored',
  'invalid_signature',
  'stale',
  'failed',
] as const

const known = (type: string) => types.find((one) => one === type) ?? 'other'

interface Services {
  readonly database: DatabaseService
}

const checkoutEnds = ['created', 'completed', 'failed'] as const
const knownCheckouts = ({ catalogue }: { readonly catalogue: Catalogue }) =>
  catalogue.plans.flatMap(({ id }) => checkoutEnds.map((outcome) => ({ plan: id, outcome })))

export const metrics = [
  counter({
    name: 'billing_webhook_events_total',
    help: 'Webhook deliveries by what became of them',
    labels: { type: types, outcome: outcomes },
    from: BillingEvents,
    on: { 'billing:webhook-received': ({ type, outcome }) => ({ type: known(type), outcome }) },
  }),
  histogram({
    name: 'billing_webhook_duration_seconds',
    help: 'Time from a delivery to its answer, which follows the commit',
    labels: { type: types },
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    from: BillingEvents,
    on: {
      'billing:webhook-received': ({ type, durationMs }) => [
        { type: known(type) },
        durationMs / 1_000,
      ],
    },
  }),
  histogram({
    name: 'billing_webhook_lag_seconds',
    help: 'Age of an event when it arrives; Stripe tries for three days',
    labels: { type: types },
    buckets: [1, 5, 15, 60, 300, 900, 3_600, 21_600, 86_400, 259_200],
    from: BillingEvents,
    on: {
      'billing:webhook-received': ({ type, lagMs }) =>
        lagMs === undefined ? undefined : [{ type: known(type) }, lagMs / 1_000],
    },
  }),
  gauge({
    name: 'billing_webhook_backlog',
    help: 'Events in the inbox that wait, and those that are dead',
    labels: { state: ['pending', 'dead'] },
    collect: async ({ database }: Services) => {
      const { pending, dead } = await backlogOf(database.knex)
      return [
        [{ state: 'pending' }, pending],
        [{ state: 'dead' }, dead],
      ]
    },
  }),
  {
    known: knownCheckouts,
    ...counter({
      name: 'billing_checkouts_total',
      help: 'Checkouts by plan and end',
      labels: { plan: open, outcome: checkoutEnds },
      from: BillingEvents,
      on: { 'billing:checkout-finished': ({ plan, outcome }) => ({ plan, outcome }) },
    }),
  },
  gauge({
    name: 'billing_subscriptions',
    help: 'Subscriptions by plan and status',
    labels: { plan: open, status: open },
    collect: async ({ database }: Services) => {
      const counts = await countByPlan(database.knex)
      return counts.map(({ plan, status, count }) => [{ plan, status }, count] as const)
    },
  }),
  counter({
    name: 'billing_drift_total',
    help: 'What the reconciler made up for: events that no webhook brought, subscriptions that were another',
    labels: { kind: ['event', 'subscription'] },
    from: BillingEvents,
    on: { 'billing:drift-found': ({ kind, count }) => [{ kind }, count] },
  }),
  histogram({
    name: 'stripe_request_duration_seconds',
    help: 'Calls to Stripe',
    labels: { operation: open, outcome: ['ok', 'error', 'timeout'] },
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    from: BillingEvents,
    on: {
      'billing:stripe-called': ({ operation, outcome, durationMs }) => [
        { operation, outcome },
        durationMs / 1_000,
      ],
    },
  }),
]
