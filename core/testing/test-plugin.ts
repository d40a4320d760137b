import { Events, type EventSet } from '../events.ts'
import { routesOf } from '../generation.ts'
import type { HttpApp, MountedPlugin } from '../http/http-app.ts'
import { createHttpApp } from '../http/http-app.ts'
import { limitsSchema } from '../http/limits.ts'
import { Instance } from '../instance.ts'
import type { Logger } from '../log.ts'
import { definePlugin, type Plugin, type Provided, type ServerFacts } from '../plugin.ts'
import { systemRandom } from '../provide.ts'
import type { HardTokens, Resolved, ServiceToken, Tokens } from '../service.ts'
import type { Principal } from '../principal.ts'
import type { Authenticator } from '../slots.ts'
import * as z from 'zod'
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

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A plugin that was started alone, with doubles around it. */
export class TestedPlugin<P> {
  readonly logs: readonly LogLine[]
  readonly #events: Events
  readonly #instance: Instance
  #services: Readonly<Record<string, unknown>>
  #apps: { readonly public: HttpApp; readonly operations: HttpApp } | undefined
  readonly clock: TestClock

  constructor(instance: Instance, events: Events, logs: readonly LogLine[], clock: TestClock) {
    this.#instance = instance
    this.#events = events
    this.logs = logs
    this.clock = clock
    this.#services = instance.services
  }

  /** What it provides, and everything else that it built, by name. */
  get services(): Resolved<P> & Readonly<Record<string, unknown>> {
    return this.#services as Resolved<P> & Readonly<Record<string, unknown>>
  }

  /** Handlers see the double from now on. */
  override(name: string, double: unknown): void {
    const layer = { [name]: { value: double, enumerable: true } }
    this.#services = Object.create(this.#services, layer) as Readonly<Record<string, unknown>>
    this.#apps = undefined
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

/** A clock that stands until it is turned. */
export class TestClock {
  #now = Date.UTC(2026, 0, 1)

  readonly now = (): number => this.#now
  readonly monotonic = (): number => this.#now

  advance(ms: number): void {
    this.#now += ms
  }
}

/** Builds and starts a plugin with doubles for what it requires; rejects as its start would. */
export async function testPlugin<N extends string, R extends Tokens, P extends HardTokens>(
  plugin: Plugin<N, R, P>,
  options: TestPluginOptions<R> = {},
): Promise<TestedPlugin<P>> {
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
  await instance.start(options.startTimeoutMs ?? 15_000, async () => undefined)
  return new TestedPlugin<P>(instance, events, logs, clock)
}

const serverFacts: ServerFacts = {
  production: false,
  role: 'serve',
  dataDir: './data',
  startBudgetMs: 15_000,
  publicUrl: 'http://localhost:8080',
  origins: [],
  loopback: true,
  operations: undefined,
}

const provided = (
  self: Instance,
  events: Events,
  clock: TestClock,
  server: ServerFacts,
): Omit<Provided<unknown>, 'config' | 'lifecycle'> => ({
  log: self.log,
  events: events.scoped(self.signal),
  clock,
  random: systemRandom,
  server,
  app: {
    version: '1.0.0',
    routes: () => [],
    plugins: () => [],
    migrations: () => [],
    securitySchemes: () => ({}),
  },
})

/** The doubles, as if another plugin provided them. */
async function doubles(requires: Tokens, services: object, log: Logger): Promise<Instance> {
  const given = new Map(Object.entries(services) as [string, unknown][])
  const named = Object.entries(requires).filter(([name]) => given.has(name))
  const provides = Object.fromEntries(named) as Readonly<
    Record<string, ServiceToken<unknown, string, false>>
  >
  const build = Object.fromEntries(named.map(([name]) => [name, () => given.get(name)]))
  const plugin = definePlugin({
    name: 'doubles',
    version: '1.0.0',
    core: '*',
    summary: 'What the tested plugin requires',
    config: z.unknown(),
    provides,
    services: build,
    examples: { config: { valid: [], invalid: [] } },
  })
  const options = { config: {}, key: 'doubles', needs: [], log, now: Date.now, provide: () => ({}) }
  const instance = new Instance({ plugin, ...options })
  await instance.start(1_000, async () => undefined)
  return instance
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
    routes: routesOf(kind, instance.plugin, instance.config),
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

function recorder(lines: LogLine[], bound: Readonly<Record<string, unknown>>): Logger {
  const at =
    (level: LogLine['level']) =>
    (first: string | Readonly<Record<string, unknown>>, message?: string) => {
      const fields = typeof first === 'string' ? bound : { ...bound, ...first }
      lines.push({ level, fields, message: typeof first === 'string' ? first : (message ?? '') })
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recorder(lines, { ...bound, ...fields }),
  }
}
