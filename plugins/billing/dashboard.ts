import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Billing',
  panels: [
    {
      title: 'Webhooks by outcome',
      description:
        '`failed`: Stripe was not answered with 200. `invalid_signature`: a wrong secret.',
      unit: 'eps',
      queries: [{ rate: 'billing_webhook_events_total', by: ['outcome'] }],
    },
    {
      title: 'Webhooks by type',
      description: 'What Stripe sends.',
      unit: 'eps',
      queries: [{ rate: 'billing_webhook_events_total', by: ['type'] }],
    },
    {
      title: 'Webhook answer p95',
      description: 'Time until the answer, which follows the commit. Stripe gives up after 20 s.',
      unit: 's',
      queries: [{ quantile: 0.95, of: 'billing_webhook_duration_seconds', by: ['type'] }],
    },
    {
      title: 'Webhook lag p95',
      description: 'Age of an event when it arrives. Hours mean that earlier deliveries failed.',
      unit: 's',
      queries: [{ quantile: 0.95, of: 'billing_webhook_lag_seconds', by: ['type'] }],
    },
    {
      title: 'Events that wait, and dead ones',
      description: '`pending` falls back to 0 by itself; `dead` needs a person.',
      unit: 'short',
      queries: [{ max: 'billing_webhook_backlog', by: ['state'] }],
    },
    {
      title: 'Subscriptions',
      description: 'By plan and status, as the database knows them.',
      unit: 'short',
      queries: [{ max: 'billing_subscriptions', by: ['plan', 'status'] }],
    },
    {
      title: 'Checkouts',
      description: 'Begun, paid and failed, by plan.',
      unit: 'eps',
      queries: [{ rate: 'billing_checkouts_total', by: ['plan', 'outcome'] }],
    },
    {
      title: 'Drift',
      description:
        'What the reconciler found at Stripe and made up for. Steady `event`: webhooks do not arrive.',
      unit: 'eps',
      queries: [{ rate: 'billing_drift_total', by: ['kind'] }],
    },
    {
      title: 'Stripe API p95',
      description: 'How long Stripe takes to answer us.',
      unit: 's',
      queries: [
        { quantile: 0.95, of: 'stripe_request_duration_seconds', by: ['operation', 'outcome'] },
      ],
    },
  ],
})
