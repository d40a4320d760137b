import { Events, type EventSet } from '../events.ts'
import type { HttpApp, MountedPlugin } from '../http/http-app.ts'
import { createHttpApp } from '../http/http-app.ts'
import { limitsSchema } from '../http/limits.ts'
import { Instance } from '../instance.ts'
import type { Examination, Finding, Plugin, ServerFacts } from '../plugin.ts'
import type { Principal } from '../principal.ts'
import { systemRandom } from '../provide.ts'
import type { HardTokens, Resolved, ServiceToken, Tokens } from '../service.ts'
import type { Authenticator } from '../slots.ts'
import {
  doubles,
  provided,
  recorder,
  serverFacts,
  TestClock,
  type LogLine,
} from './surroundings.ts'
import { inject, type Injected, type Injection } from './wire.ts'

export interface TestPluginOptions<R extends Tokens> {
  /** As in a manifest; checked by the plugin's schema. */
  readonly config?: unknown
  /** Doubles of what it requires, by the names in its `requires`. */
  readonly services?: Partial<Resolved<R>>
  readonly server?: Partial<ServerFacts>
  readonly startTimeoutMs?: number
}

export interface TestInjection extends Injection {
  /** Who asks, without a credential: the kit's own authenticator believes it. */
  readonly as?: Partial<Principal> & { readonly subject: string }
}

/** A plugin that was started alone, with doubles around it. */
export class TestedPlugin<P> {
  readonly logs: readonly LogLine[]
  readonly #events: Events
  readonly #instance: Instance
  #services: Readonly<Record<string, unknown>>
  #apps: { readonly public: HttpApp; readonly operations: HttpApp } | undefined
  readonly clock: TestClock

  constructor(
    instance: Instance,
    around: {
      readonly events: Events
      readonly logs: readonly LogLine[]
      readonly clock: TestClock
    },
  ) {
    this.#instance = instance
    this.#events = around.events
    this.logs = around.logs
    this.clock = around.clock
    this.#services = instance.services
  }

  /** What it provides, and everything else that it built, by name. */
  get services(): Resolved<P> & Readonly<Record<string, unknown>> {
    return this.#services as Resolved<P> & Readonly<Record<string, unknown>>
  }

  /** Handlers see the double from now on, in the place of a service that is named, or meant by its token. */
  override<T>(service: ServiceToken<T> | string, double: T): void {
    const name = typeof service === 'string' ? service : this.#nameOf(service)
    const layer = { [name]: { value: double, enumerable: true } }
    this.#services = Object.create(this.#services, layer) as Readonly<Record<string, unknown>>
    this.#apps = undefined
  }

  #nameOf({ id }: ServiceToken<unknown>): string {
    const { name, requires, provides } = this.plugin
    const known = Object.entries({ ...requires, ...provides })
    const found = known.find(([, token]) => token.id === id)
    if (found === undefined) throw new Error(`'${name}' neither requires nor provides '${id}'`)
    return found[0]
  }

  /** A request to its routes, through the whole pipeline, without a port. */
  async inject(injection: TestInjection): Promise<Injected> {
    const { as, headers = {}, ...rest } = injection
    const credential: Record<string, string> =
      as === undefined ? {} : { authorization: credentialOf(as) }
    this.#apps ??= appsOf(this.#instance, this.#services, this.#events, this.clock)
    const app = operationsOnly(this.#apps.operations, rest)
      ? this.#apps.operations
      : this.#apps.public
    return inject(app.handle, { ...rest, headers: { ...credential, ...headers } })
  }

  /** Every payload of one event, from now on. */
  heard<M, K extends keyof M & string>(_set: EventSet<M>, name: K): readonly M[K][] {
    const payloads: M[K][] = []
    this.#events.on(name, (payload) => payloads.push(payload as M[K]))
    return payloads
  }

  emit<M, K extends keyof M & string>(_set: EventSet<M>, name: K, payload: M[K]): void {
    this.#events.emit(name, payload)
  }

  get plugin(): Plugin {
    return this.#instance.plugin
  }

  async activate(): Promise<void> {
    await this.#instance.activate()
  }

  async health(): Promise<ReadonlyMap<string, { readonly status: string }>> {
    return this.#instance.health(2_000)
  }

  /** What its part `doctor` finds out. `buildPlugin` gives one that was not started, as it will be. */
  async examine(given: Partial<Examination> = {}): Promise<readonly Finding[]> {
    const examination = { online: false, signal: AbortSignal.timeout(5_000), ...given }
    return (await this.plugin.doctor?.(this.#services as never, examination)) ?? []
  }

  async stop(): Promise<void> {
    await this.#instance.deactivate()
    await this.#instance.stop()
  }

  get listeners(): number {
    return this.#events.size
  }
}

/** A request goes where its path has a route; the public listener answers the rest. */
const operationsOnly = (operations: HttpApp, { url }: Injection): boolean =>
  operations.routes.some(({ path }) => path.split('/')[1] === url.split(/[/?]/)[1])

/** Builds and starts a plugin with doubles for what it requires; rejects as its start would. */
export async function testPlugin<N extends string, R extends Tokens, P extends HardTokens>(
  plugin: Plugin<N, R, P>,
  options: TestPluginOptions<R> = {},
): Promise<TestedPlugin<P>> {
  const { instance, ...rest } = await make(plugin, options)
  await instance.start(options.startTimeoutMs ?? 15_000, async () => undefined)
  return new TestedPlugin<P>(instance, rest)
}

/** Built, not started, as `autodocops doctor` does it. */
export async function buildPlugin<N extends string, R extends Tokens, P extends HardTokens>(
  plugin: Plugin<N, R, P>,
  options: TestPluginOptions<R> = {},
): Promise<TestedPlugin<P>> {
  const server = { ...options.server, role: 'examine' as const }
  const { instance, ...rest } = await make(plugin, { ...options, server })
  instance.build()
  return new TestedPlugin<P>(instance, rest)
}

async function make<N extends string, R extends Tokens, P extends HardTokens>(
  plugin: Plugin<N, R, P>,
  options: TestPluginOptions<R>,
) {
  const logs: LogLine[] = []
  const log = recorder(logs, { plugin: plugin.name })
  const events = new Events((error) => log.error({ err: error }, 'a listener failed'))
  const clock = new TestClock()
  const config: unknown = plugin.config.parse(options.config ?? {})
  const needs = [await doubles(plugin.requires, options.services ?? {}, log)]
  const facts = { ...serverFacts, ...options.server }
  const instance = new Instance({
    plugin,
    config,
    key: 'test',
    needs,
    log,
    now: clock.now,
    provide: (self) => provided(self, events, clock, facts),
  })
  return { instance, events, logs, clock }
}

function appsOf(
  instance: Instance,
  services: Readonly<Record<string, unknown>>,
  events: Events,
  clock: TestClock,
): { readonly public: HttpApp; readonly operations: HttpApp } {
  const { fills } = instance.plugin
  const own =
    fills.authenticator === undefined ? [] : [{ authenticator: fills.authenticator, services }]
  const shared = {
    limits: limitsSchema.parse({}),
    trustedProxies: 0,
    origins: [],
    publicUrl: () => serverFacts.publicUrl,
    operationsToken: undefined,
    isLoopback: true,
    starting: false,
    events: events.scoped(instance.signal),
    log: instance.log,
    clock,
    random: systemRandom,
    drain: instance.signal,
    isDraining: () => false,
    production: false,
    limiter: fills.limiter?.(services as never),
  }
  const mount = (kind: 'routes' | 'operations'): MountedPlugin => ({
    name: instance.name,
    routes: instance.routes(kind),
    services,
    log: instance.log,
    enter: () => instance.enter(),
    leave: () => instance.leave(),
    signal: instance.signal,
  })
  const authenticators = [{ authenticator: believer, services: {} }, ...own]
  return {
    public: createHttpApp({
      ...shared,
      listener: 'public',
      plugins: [mount('routes')],
      authenticators,
    }),
    operations: createHttpApp({
      ...shared,
      listener: 'operations',
      plugins: [mount('operations')],
      authenticators: [],
    }),
  }
}

const credentialOf = (principal: Partial<Principal>) =>
  `Test ${Buffer.from(JSON.stringify(principal)).toString('base64url')}`

/** Believes whatever `as` says; knows no other credential. */
const believer: Authenticator<never> = {
  name: 'test',
  credential: 'authorization',
  scheme: { type: 'http', scheme: 'test' },
  authenticate: (_services, { headers }) => {
    const [, encoded] = /^Test (\S+)$/.exec(headers.authorization ?? '') ?? []
    if (encoded === undefined) return undefined
    const said = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as Partial<Principal>
    return { subject: said.subject ?? 'tester', scopes: said.scopes ?? [], via: said.via ?? 'test' }
  },
}
