import { counter, gauge, histogram } from 'autodocops'

import { SessionEvents } from './contract.ts'
import type { SessionKeeper } from './service.ts'
import type { SessionStore } from './store.ts'

const store = ['memory', 'redis'] as const
const operation = ['load', 'save', 'touch', 'destroy'] as const
const from = SessionEvents

interface Services {
  readonly keeper: SessionKeeper
  readonly store: Pick<SessionStore, 'kind'>
}

export const metrics = [
  counter({
    name: 'session_operations_total',
    help: 'What was asked of the session store, by outcome.',
    labels: { store, operation, outcome: ['ok', 'miss', 'expired', 'error'] },
    from,
    on: {
      'sessions:operation-finished': (done) => ({
        store: done.store,
        operation: done.operation,
        outcome: done.outcome,
      }),
    },
  }),
  histogram({
    name: 'session_operation_duration_seconds',
    help: 'How long the session store took.',
    labels: { store, operation },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    from,
    on: {
      'sessions:operation-finished': (done) => [
        { store: done.store, operation: done.operation },
        done.durationMs / 1_000,
      ],
    },
  }),
  counter({
    name: 'sessions_created_total',
    help: 'Sessions that were opened.',
    from,
    on: { 'sessions:created': () => ({}) },
  }),
  counter({
    name: 'sessions_destroyed_total',
    help: 'Sessions that ended otherwise than by their time in the store, by reason.',
    labels: { reason: ['logout', 'expired', 'rotated', 'revoked'] },
    from,
    on: { 'sessions:destroyed': ({ reason }) => ({ reason }) },
  }),
  gauge({
    name: 'sessions_active',
    help: 'Living sessions that somebody is logged in with; with Redis, of all instances.',
    labels: { store },
    collect: async ({ keeper, store: { kind } }: Services) => [
      [{ store: kind }, await keeper.count()],
    ],
  }),
]
