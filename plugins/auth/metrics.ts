import { counter } from 'autodocops'

import { AuthEvents } from './contract.ts'

export const metrics = [
  counter({
    name: 'auth_failures_total',
    help: 'Credentials that were refused, by reason.',
    labels: { reason: ['missing', 'malformed', 'expired', 'signature', 'forbidden'] },
    from: AuthEvents,
    on: { 'auth:failed': ({ reason }) => ({ reason }) },
  }),
]
