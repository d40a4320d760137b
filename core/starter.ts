import { CoreEvents } from './core-events.ts'
import type { EventBus, Events } from './events.ts'
import { migratorOf } from './generation.ts'
import { Instance, messageOf, migrateWith } from './instance.ts'
import type { Logger } from './log.ts'
import { generatedSecret } from './manifest/generated-secrets.ts'
import { isLoopback, type ServerConfig } from './manifest/server-config.ts'
import type { Plan, PlannedPlugin } from './plan.ts'
import type { AppView, Clock, Plugin, Random, ServerFacts } from './plugin.ts'
import { provide } from './provide.ts'
import { credential, findServer } from './running-server.ts'
import { Secret } from './secret.ts'
import { nothing, Transition, type Cast, type TransitionMode } from './transition.ts'

/** How long `start` may take when the plugin does not say. */
const defaultStartMs = 15_000
const reloadStartMs = 12_000

export interface Progress {
  readonly plugin: string
  readonly step: 'starting' | 'started' | 'failed'
  readonly ms: number
  readonly runsOn: string | undefined
  readonly error: string | undefined
}

export type Hook = 'start' | 'stop' | 'health' | 'job'

export interface StarterOptions {
  readonly log: Logger
  readonly bus: EventBus
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
  readonly production: boolean
  readonly app: AppView
  /** The address that the public listener has. */
  readonly address: () => string
  readonly progress: ((step: Progress) => void) | undefined
}

/** Makes the instances of a plan, starts them, and tells of it. */
export class Starter {
  readonly #options: StarterOptions

  constructor(options: StarterOptions) {
    this.#options = options
  }

  transition(plan: Plan, mode: TransitionMode, from: Cast, role: ServerFacts['role']): Transition {
    return new Transition({
      plan,
      mode,
      from,
      now: this.#options.clock.now,
      create: (planned, plugin, key, needs) => {
        const server = this.#facts(plan.server, role, budgetOf(plugin, mode))
        const { dataDir } = plan.server
        const config = withSecrets(planned, (name) => generatedSecret(dataDir, name))
        return this.#create({ plugin, config, key, needs }, server)
      },
      start: (instance) => this.#start(instance, mode),
      failed: (plugin, hook, error) => this.failed(plugin, hook, error),
    })
  }

  /** Builds the instances of a plan and starts none; whichever cannot be built is absent. Makes no file. */
  examination(plan: Plan): Transition {
    return new Transition({
      plan,
      mode: 'heal',
      from: nothing,
      now: this.#options.clock.now,
      create: (planned, plugin, key, needs) => {
        const server = this.#facts(plan.server, 'examine', 0)
        const config = withSecrets(planned, () => passingSecret(this.#options.random))
        return this.#create({ plugin, config, key, needs }, server)
      },
      start: async (instance) => instance.build(),
      failed: () => undefined, // told as findings
    })
  }

  /** Logged, counted, and shown while a person watches the start. */
  failed(plugin: string, hook: Hook, error: unknown): void {
    this.#options.log.error({ plugin, hook, err: error }, `plugin failed in ${hook}`)
    this.#options.bus.emit(CoreEvents, 'plugin:failed', { plugin, hook })
    if (hook === 'start') this.#tell(plugin, { step: 'failed', error: messageOf(error) })
  }

  #create(
    what: Pick<Instance, 'plugin' | 'config' | 'key' | 'needs'>,
    server: ServerFacts,
  ): Instance {
    return new Instance({
      ...what,
      log: this.#options.log.child({ plugin: what.plugin.name }),
      now: this.#options.clock.now,
      provide: (instance) => provide(this.#options, server, instance),
    })
  }

  #facts(server: ServerConfig, role: ServerFacts['role'], startBudgetMs: number): ServerFacts {
    const { production, address } = this.#options
    return {
      production,
      role,
      dataDir: server.dataDir,
      startBudgetMs,
      get publicUrl() {
        return server.publicUrl ?? address()
      },
      origins: server.origins,
      loopback: isLoopback(server.host),
      operations: role === 'serve' ? undefined : operationsOf(server),
    }
  }

  async #start(instance: Instance, mode: TransitionMode): Promise<void> {
    const { name: plugin, needs } = instance
    this.#tell(plugin, { step: 'starting' })
    const migrate = migrateWith(() => migratorOf(needs), mode === 'boot' ? 'boot' : 'reload')
    await instance.start(budgetOf(instance.plugin, mode), migrate)
    const runsOn = instance.plugin.describe?.(instance.services as never)
    this.#tell(plugin, { step: 'started', ms: instance.startMs, runsOn })
    this.#options.bus.emit(CoreEvents, 'plugin:started', { plugin, durationMs: instance.startMs })
  }

  #tell(plugin: string, step: Pick<Progress, 'step'> & Partial<Progress>): void {
    this.#options.progress?.({ ms: 0, runsOn: undefined, error: undefined, ...step, plugin })
  }
}

const budgetOf = (plugin: Plugin, mode: TransitionMode): number => {
  const own = plugin.startTimeoutMs ?? defaultStartMs
  return mode === 'boot' ? own : Math.min(own, reloadStartMs)
}

/** In development a secret that nobody set is made once and kept; the plan has refused this in production. */
function withSecrets(
  { name, config, generates }: PlannedPlugin,
  secretOf: (name: string) => Secret,
): unknown {
  if (generates.length === 0) return config
  const made = generates.map((key) => [key, secretOf(`${name}.${key}`)])
  return { ...(config as object), ...Object.fromEntries(made) }
}

/** For an instance that serves nobody. */
const passingSecret = (random: Random): Secret => new Secret(random.bytes(48).toString('base64url'))

function operationsOf({ dataDir, operationsToken }: ServerConfig): ServerFacts['operations'] {
  const running = findServer(dataDir)
  return running && { url: running.operations, headers: credential(operationsToken) }
}
