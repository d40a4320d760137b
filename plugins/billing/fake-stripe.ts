import type { RequestListener } from 'node:http'

import type { Clock, Random } from 'autodocops'
import Koa from 'koa'
import type { Middleware } from 'koa'

import { fakeApi, fakeApi2, bodyOf } from './fake-api.ts'
import { FakeBilling } from './fake-billing.ts'
import { FakeRefusal } from './fake-refusal.ts'
import { FakeFaults, faulty } from './fake-faults.ts'
import type { Fault } from './fake-faults.ts'
import { FakeListener } from './fake-listener.ts'
import { fakePages } from './fake-pages.ts'
import { FakeState } from './fake-state.ts'
import { calm, FakeWebhooks } from './fake-webhooks.ts'
import type { WebhookKnobs } from './fake-webhooks.ts'
import { parse, record } from './json.ts'

export interface FakeOptions {
  readonly clock: Clock
  readonly random: Random
  /** `undefined`: nothing is kept. */
  readonly dataDir: string | undefined
  readonly host: string
  /** 0: any free one, which is kept. `undefined`: nobody is sent here, only our own calls come. */
  readonly port: number | undefined
  /** Prices to have from the start, with the plans that they are for. */
  readonly plans: readonly {
    readonly price: string
    readonly name: string
    readonly amount: number
  }[]
}

/**
 * Stripe for a machine that has no account: a stateful server for this machine alone, with a payment page that a person
 * clicks, a clock that can be moved, signed webhooks and everything that goes wrong with them.
 */
export class FakeStripe {
  readonly state: FakeState
  readonly billing: FakeBilling
  readonly faults = new FakeFaults()
  readonly webhooks: FakeWebhooks
  readonly #options: FakeOptions
  /** For our own calls, as long as this instance lives. */
  #inner: FakeListener | undefined
  /** For people with a link: at the kept port, which goes from instance to instance. */
  #door: FakeListener | undefined

  constructor(options: FakeOptions) {
    this.#options = options
    this.state = new FakeState(options)
    this.state.load()
    this.webhooks = new FakeWebhooks(this.state, options.random)
    this.billing = new FakeBilling(
      this.state,
      (event) => this.webhooks.send(event),
      () => this.url,
    )
  }

  /** Where its API is asked; empty before the start. */
  get base(): string {
    return this.#inner?.url ?? ''
  }

  /** Where people are sent: the same over all reloads. */
  get url(): string {
    if (this.#door) return this.#door.url
    return this.#kept > 0 ? `http://127.0.0.1:${this.#kept}` : this.base
  }

  async start(): Promise<void> {
    this.state.load()
    for (const { price, name, amount } of this.#options.plans)
      this.billing.seedPlan(price, name, amount)
    this.state.save()
    this.#inner = await FakeListener.open(this.#handle(), 0, '127.0.0.1')
    await this.#open(this.#kept)
  }

  /** In a reload the instance before has given the port back by now: whoever has it still keeps it for good. */
  async openDoor(): Promise<void> {
    await this.#open(this.#kept)
    await this.#open(0)
  }

  closeDoor(): void {
    this.#door?.close()
  }

  async stop(): Promise<void> {
    this.webhooks.close()
    await Promise.all([this.#door?.destroy(), this.#inner?.destroy()])
  }

  get #kept(): number {
    return this.#options.port === undefined ? 0 : this.#options.port || this.state.port
  }

  async #open(port: number): Promise<void> {
    if (this.#door || this.#options.port === undefined) return
    this.#door = await FakeListener.open(this.#handle(), port, this.#options.host)
    if (this.#door) this.state.keepPort(this.#door.port)
  }

  #handle(): RequestListener {
    const handle = this.#app().callback()
    // Koa answers its own errors: the promise never rejects.
    return (request, response) => void handle(request, response)
  }

  #app(): Koa {
    const app = new Koa()
    app.on('error', () => undefined)
    app.use(this.#dated)
    app.use(refusals)
    app.use(homeOnly)
    app.use(faulty(this.faults, this.state))
    app.use(keyNeeded)
    app.use(this.#knobs)
    for (const router of [
      fakeApi2(this.state),
      fakeApi(this.state, this.billing),
      fakePages(this.state, this.billing),
    ]) {
      app.use(router.routes())
    }
    return app
  }

  /** By the injected clock, and on Deno at all. */
  readonly #dated: Middleware = (ctx, next) => {
    ctx.set('Date', new Date(this.state.realTime()).toUTCString())
    return next()
  }

  /** For tests in other processes: `POST /_fake/webhooks`, `/_fake/faults`, `/_fake/advance` with JSON. */
  readonly #knobs: Middleware = async (ctx, next) => {
    if (ctx.method !== 'POST' || !ctx.path.startsWith('/_fake/')) return next()
    const wish = record(parse(await bodyOf(ctx.req)))
    if (ctx.path === '/_fake/webhooks') this.webhooks.knobs = { ...calm, ...wish } as WebhookKnobs
    if (ctx.path === '/_fake/faults') this.faults.add({ times: 1, ...wish } as Fault)
    if (ctx.path === '/_fake/advance') this.billing.advance(Number(wish['seconds'] ?? 0))
    if (ctx.path === '/_fake/complete') this.billing.completeSession(String(wish['session']))
    this.state.save()
    ctx.body = { ok: true }
  }
}

const refusals: Middleware = async (ctx, next) => {
  try {
    await next()
    if (ctx.status === 404 && !ctx.body) {
      throw new FakeRefusal(
        404,
        'url_invalid',
        `Unrecognized request URL (${ctx.method}: ${ctx.path})`,
      )
    }
  } catch (error) {
    if (!(error instanceof FakeRefusal)) throw error
    ctx.status = error.status
    ctx.body = {
      error: { type: 'invalid_request_error', code: error.code, message: error.message },
    }
  }
}

/** No page of another site may click here, and no name but the loopback's leads here. */
const homeOnly: Middleware = async (ctx, next) => {
  const isHome = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(ctx.host)
  const origin = ctx.get('origin')
  if (!isHome || (origin !== '' && origin !== `http://${ctx.host}`)) {
    throw new FakeRefusal(403, 'forbidden', 'Only from this machine')
  }
  return next()
}

const keyNeeded: Middleware = async (ctx, next) => {
  if (/^\/v\d\//.test(ctx.path) && !/^(Bearer|Basic) ./.test(ctx.get('authorization'))) {
    throw new FakeRefusal(401, 'api_key_missing', 'You did not provide an API key')
  }
  return next()
}
