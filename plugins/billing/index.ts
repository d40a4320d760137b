import { cls, definePlugin, optional, own } from 'autodocops'
import { Cache } from 'autodocops/plugins/cache'
import { Database } from 'autodocops/plugins/database'

import { Announcer } from './announcer.ts'
import { Checkouts } from './checkout.ts'
import { billing as command } from './commands.ts'
import { config } from './config.ts'
import { Billing } from './contract.ts'
import { dashboard } from './dashboard.ts'
import { Doctor } from './doctor.ts'
import { Entitlements } from './entitlements.ts'
import { EntitlementSync } from './entitlement-sync.ts'
import { EventWalk } from './event-walk.ts'
import { examine } from './examination.ts'
import type { FakeStripe } from './fake-stripe.ts'
import type { Gateway } from './gateway.ts'
import { metrics } from './metrics.ts'
import { modeOf } from './mode.ts'
import type { Mode } from './mode.ts'
import { operations } from './operations.ts'
import { Catalogue } from './plans.ts'
import { Processor } from './processor.ts'
import { Reconciler } from './reconcile.ts'
import { routes } from './routes.ts'
import { PlanService } from './service.ts'
import type { StripeLine } from './stripe-line.ts'
import { Synchroniser } from './sync.ts'
import { Usage } from './usage.ts'
import { Webhook } from './webhook.ts'
import { describe, fakeOf, gatewayOf, lineOf, secretsOf } from './wiring.ts'
import type { Secrets } from './wiring.ts'
import { Worker } from './worker.ts'

export default definePlugin({
  name: 'billing',
  version: '1.0.0',
  core: '^1',
  summary: 'Stripe subscriptions: checkout, portal, webhooks, plans, limits',
  config,
  requires: { database: Database, cache: optional(Cache) },
  provides: { billing: Billing },
  internal: {
    mode: own<Mode>(),
    fake: own<FakeStripe | undefined>(),
    secrets: own<Secrets>(),
    line: own<StripeLine>(),
    gateway: own<Gateway>(),
    workerGateway: own<Gateway>(),
    catalogue: own<Catalogue>(),
    entitlements: own<Entitlements>(),
    usage: own<Usage>(),
    announcer: own<Announcer>(),
    webhook: own<Webhook>(),
    synchroniser: own<Synchroniser>(),
    entitlementSync: own<EntitlementSync>(),
    processor: own<Processor>(),
    worker: own<Worker>(),
    eventWalk: own<EventWalk>(),
    reconciler: own<Reconciler>(),
    checkouts: own<Checkouts>(),
    doctor: own<Doctor>(),
  },
  services: {
    mode: ({ config: mine, server }) => modeOf(mine, server),
    fake: fakeOf,
    secrets: secretsOf,
    line: lineOf,
    gateway: ({ mode, line, config: mine }) => gatewayOf(mode, line, mine.routeDeadline),
    workerGateway: ({ mode, line, config: mine }) => gatewayOf(mode, line, mine.workerDeadline),
    catalogue: ({ config: mine, mode }) => new Catalogue(mine, mode === 'fake'),
    entitlements: cls(Entitlements),
    usage: cls(Usage),
    announcer: cls(Announcer),
    webhook: cls(Webhook),
    synchroniser: cls(Synchroniser),
    entitlementSync: cls(EntitlementSync),
    processor: cls(Processor),
    worker: cls(Worker),
    eventWalk: cls(EventWalk),
    reconciler: cls(Reconciler),
    checkouts: cls(Checkouts),
    doctor: cls(Doctor),
    billing: cls(PlanService),
  },
  routes,
  operations,
  metrics,
  dashboard,
  migrations: new URL('./migrations/', import.meta.url),
  start: ({ fake }) => fake?.start(),
  activate: async ({ worker, reconciler, announcer, webhook, fake }) => {
    webhook.onReceived(() => worker.wake())
    fake?.webhooks.deliverTo((body, signature) =>
      webhook.receive({ body: Buffer.from(body), signature }).then(() => true),
    )
    announcer.listen()
    worker.start()
    reconciler.start()
    await fake?.openDoor()
  },
  deactivate: async ({ worker, reconciler, announcer, fake }) => {
    fake?.closeDoor()
    announcer.deafen()
    await Promise.all([worker.stop(), reconciler.stop()])
  },
  stop: async ({ webhook, fake }) => {
    webhook.close()
    await fake?.stop()
  },
  describe,
  doctor: examine,
  commands: { billing: command },
  examples: {
    config: {
      valid: [
        {},
        { webhookSecret: 'whsec_1' },
        { apiKey: 'sk_live_1', webhookSecret: 'whsec_new,whsec_old' },
        { plans: { pro: { prices: ['price_1'], features: { 'chat.stream': true } } } },
        { plans: { pro: { limits: { 'chat.tokens': { amount: null } } } }, graceDays: 3 },
        { fake: true, worker: { poll: '5s' }, reconcile: { every: '1m' } },
      ],
      invalid: [
        { apiKey: 'sk_live_1' },
        { apiKey: '' },
        { graceDays: -1 },
        { plans: { Pro: {} } },
        { plans: { pro: { limits: { 'chat.tokens': { amount: -1 } } } } },
        { worker: { poll: 1_000 } },
        { webhokSecret: 'whsec_1' },
      ],
    },
  },
})
