import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Clock, Random } from 'autodocops'
import Koa from 'koa'
import type { Middleware } from 'koa'

import { fakeApi, fakeApi2, bodyOf } from './fake-api.ts'
import { FakeBilling } from './fake-billing.ts'
import { FakeRefusal } from './fake-refusal.ts'
import { FakeFaults, faulty } from './fake-faults.ts'
import type { Fault } from './fake-faults.ts'
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
  /** The page leads to 127.0.0.1 in any case: a container publishes the port there. */
  readonly host: string
  readonly port: number
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
  #server: Server | undefined

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

  /** Where it listens; empty before the start. */
  get url(): string {
    const address = this.#server?.address() as AddressInfo | null | undefined
    return address ? `http://127.0.0.1:${address.port}` : ''
  }

  async start(): Promise<void> {
    for (const { price, name, amount } of this.#options.plans)
      this.billing.seedPlan(price, name, amount)
    const wanted = this.#options.port || this.state.port
    this.#server = (await this.#listen(wanted)) ?? (await this.#listen(0))
    this.state.port = Number(new URL(this.url).port)
    this.state.save()
  }

  async stop(): Promise<void> {
    this.webhooks.close()
    const server = this.#server
    if (!server) return
    await new Promise((resolve) => {
      server.close(resolve)
      server.closeAllConnections()
    })
  }

  /** `undefined`: another instance, about to go, still has the port. */
  async #listen(port: number): Promise<Server | undefined> {
    const handle = this.#app().callback()
    // Koa answers its own errors: the promise never rejects.
    const server = createServer((request, response) => void handle(request, response))
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once('error', resolve)
      server.listen(port, this.#options.host, () => resolve(undefined))
    })
    if (error && (error.code !== 'EADDRINUSE' || port === 0)) throw error
    return error ? undefined : server
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
