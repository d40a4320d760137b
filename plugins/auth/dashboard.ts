import { dashboardRow } from 'autodocops'

import { metrics } from './metrics.ts'

export const dashboard = dashboardRow(metrics, {
  title: 'Sign-in',
  panels: [
    {
      title: 'Refused credentials',
      description:
        'Tokens and API keys that were refused, by reason. Many `signature` mean another secret, or somebody who guesses.',
      unit: 'eps',
      queries: [{ rate: 'auth_failures_total', by: ['reason'] }],
    },
  ],
})
