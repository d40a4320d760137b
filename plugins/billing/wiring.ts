import type { Clock, EventBus, Random, ServerFacts } from 'autodocops'

import type { Config } from './config.ts'
import { FakeStripe } from './fake-stripe.ts'
import type { Gateway } from './gateway.ts'
import { noGateway } from './gateway-none.ts'
import { StripeGateway } from './gateway-stripe.ts'
import { livemodeOf, secretsIn } from './mode.ts'
import type { Mode } from './mode.ts'
import { fakePrice } from './plans.ts'
import { StripeLine } from './stripe-line.ts'

/** Whose webhooks are believed. */
export interface Secrets {
  readonly webhook: readonly string[]
  readonly livemode: boolean | undefined
}

interface Needs {
  readonly mode: Mode
  readonly fake: FakeStripe | undefined
  readonly config: Config
  readonly server: ServerFacts
  readonly clock: Clock
  readonly random: Random
  readonly events: EventBus
}

/** Beside a running server a command has a FakeStripe of its own, for its own calls, over the same state. */
export function fakeOf({ mode, config, server, clock, random }: Omit<Needs, 'fake'>) {
  if (mode !== 'fake') return undefined
  const paid = Object.entries(config.plans).filter(([name]) => name !== 'free')
  return new FakeStripe({
    clock,
    random,
    dataDir: server.dataDir,
    host: config.fakeHost,
    port: server.role === 'serve' ? config.fakePort : undefined,
    plans: paid.flatMap(([name, { prices }], at) =>
      (prices.length > 0 ? prices : [fakePrice(name)]).map((price) => ({
        name,
        price,
        amount: 2_000 * (at + 1),
      })),
    ),
  })
}

export const secretsOf = ({
  mode,
  fake,
  config,
}: Pick<Needs, 'mode' | 'fake' | 'config'>): Secrets => ({
  webhook: fake ? [fake.state.secret] : mode === 'off' ? [] : secretsIn(config),
  livemode: livemodeOf(config, mode),
})

export const lineOf = ({
  fake,
  config,
  clock,
  events,
}: Omit<Needs, 'mode' | 'server' | 'random'>) =>
  new StripeLine({
    target: () => ({
      apiKey: config.apiKey?.reveal() ?? 'sk_test_fake',
      base: fake ? new URL(fake.base) : config.apiBase ? new URL(config.apiBase) : undefined,
    }),
    readsPerSecond: fake ? 10_000 : config.readsPerSecond,
    clock,
    events,
  })

export const gatewayOf = (mode: Mode, line: StripeLine, deadlineMs: number): Gateway =>
  mode === 'stripe' || mode === 'fake' ? new StripeGateway(line, deadlineMs) : noGateway

export function describe({
  mode,
  fake,
  secrets,
}: {
  mode: Mode
  fake: FakeStripe | undefined
  secrets: Secrets
}) {
  if (mode === 'fake') return `FakeStripe at ${fake?.url ?? ''}`
  if (mode === 'payload') return 'webhooks of Stripe only (no STRIPE_API_KEY)'
  if (mode === 'off') return 'off: no key for Stripe'
  return `Stripe, ${secrets.livemode ? 'live' : 'test'} mode`
}
