import { createHash } from 'node:crypto'

import { HostErrors } from './host-errors.ts'
import { messageOf, stopAll, type Instance } from './instance.ts'
import type { Plan, PlannedPlugin } from './plan.ts'
import type { Plugin } from './plugin.ts'

/** A plugin that is on and does not run: its routes answer 503, its dependants count it as absent. */
export interface Unavailable {
  readonly planned: PlannedPlugin
  /** `undefined`: its code could not be loaded; of its routes there are the facts. */
  readonly plugin: Plugin | undefined
  /** Of the last try, whatever became of the transition that it was part of. */
  error: unknown
  readonly since: number
}

/** What runs, and what should. */
export interface Cast {
  readonly instances: ReadonlyMap<string, Instance>
  readonly unavailable: ReadonlyMap<string, Unavailable>
}

export const nothing: Cast = { instances: new Map(), unavailable: new Map() }

/** `boot`: whatever is not critical may fail. `reload`: nothing that worked before may. `heal`: anything may. */
export type TransitionMode = 'boot' | 'reload' | 'heal'

export interface TransitionOptions {
  readonly plan: Plan
  readonly from: Cast
  readonly mode: TransitionMode
  readonly create: (
    planned: PlannedPlugin,
    plugin: Plugin,
    key: string,
    needs: readonly Instance[],
  ) => Instance
  readonly start: (instance: Instance) => Promise<void>
  readonly failed: (plugin: string, hook: 'start' | 'stop', error: unknown) => void
  readonly now: () => number
}

/** Why a boot or a reload did not come about: the first cause, and every plugin that failed with it. */
export class StartFailed extends AggregateError {
  override readonly name = 'StartFailed'
  readonly failures: readonly { readonly plugin: string; readonly error: unknown }[]

  constructor(failures: StartFailed['failures']) {
    const lines = failures.map(({ plugin, error }) => `${plugin}: ${messageOf(error)}`)
    super(
      failures.map(({ error }) => error),
      lines.join('\n'),
      { cause: failures[0]?.error },
    )
    this.failures = failures
  }
}

/**
 * From a plan and what runs now to what shall run: keeps every instance whose key is the same, starts the
 * rest level by level, each level in parallel. Either it succeeds whole, or what it started is stopped
 * again and nothing has changed.
 */
export class Transition {
  readonly #options: TransitionOptions
  readonly #instances = new Map<string, Instance>()
  readonly #unavailable = new Map<string, Unavailable>()
  readonly #fresh: Instance[] = []
  readonly #failures: { plugin: string; error: unknown }[] = []

  constructor(options: TransitionOptions) {
    this.#options = options
  }

  get fresh(): readonly Instance[] {
    return this.#fresh
  }

  async run(): Promise<Cast> {
    const { plugins } = this.#options.plan
    const levels = [...new Set(plugins.map(({ level }) => level))].toSorted((a, b) => a - b)
    for (const level of levels) {
      await Promise.all(
        plugins
          .filter((planned) => planned.level === level)
          .map((planned) => this.#enlist(planned)),
      )
      if (this.#failures.length === 0) continue
      await this.rollBack()
      throw new StartFailed(this.#failures)
    }
    return {
      instances: this.#inOrder(this.#instances),
      unavailable: this.#inOrder(this.#unavailable),
    }
  }

  /** In the order of the plan, whichever start ended first. */
  #inOrder<T>(found: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
    const names = this.#options.plan.plugins.map(({ name }) => name)
    return new Map(
      names.flatMap((name) => {
        const one = found.get(name)
        return one === undefined ? [] : [[name, one] as const]
      }),
    )
  }

  async rollBack(): Promise<void> {
    const { failed } = this.#options
    await stopAll(this.#fresh, (instance, error) => failed(instance.name, 'stop', error))
  }

  async #enlist(planned: PlannedPlugin): Promise<void> {
    const needs = planned.needs.flatMap((name) => this.#instances.get(name) ?? [])
    const key = this.#keyOf(planned)
    const running = this.#options.from.instances.get(planned.name)
    if (running?.key === key && running.state === 'active') {
      this.#instances.set(planned.name, running)
      return
    }
    let plugin: Plugin | undefined
    try {
      plugin = await planned.source.load()
      this.#refuseWithoutDependency(planned)
      const instance = this.#options.create(planned, plugin, key, needs)
      await this.#options.start(instance)
      this.#fresh.push(instance)
      this.#instances.set(planned.name, instance)
    } catch (error) {
      this.#lose(planned, plugin, error)
    }
  }

  /** The plan's key, unless something that it may use did not start: then it is another instance. */
  #keyOf(planned: PlannedPlugin): string {
    const needs = planned.needs.map((name) => this.#instances.get(name)?.key ?? 'absent')
    const asPlanned = planned.needs.every(
      (name) => this.#instances.get(name)?.key === this.#plannedKey(name),
    )
    if (asPlanned) return planned.key
    return createHash('sha256')
      .update(JSON.stringify([planned.key, needs]))
      .digest('hex')
  }

  #plannedKey(name: string): string | undefined {
    return this.#options.plan.plugins.find((planned) => planned.name === name)?.key
  }

  #refuseWithoutDependency(planned: PlannedPlugin): void {
    const missing = planned.needs.find(
      (name) =>
        this.#unavailable.has(name) && isHard(planned, this.#unavailable.get(name)?.planned),
    )
    if (missing === undefined) return
    throw HostErrors.dependency_unavailable(
      { plugin: planned.name, needs: missing },
      { cause: this.#unavailable.get(missing)?.error },
    )
  }

  #lose(planned: PlannedPlugin, plugin: Plugin | undefined, error: unknown): void {
    const before = this.#options.from.unavailable.get(planned.name)
    this.#options.failed(planned.name, 'start', error)
    if (!this.#mayFail(planned)) {
      this.#failures.push({ plugin: planned.name, error })
      return
    }
    if (before !== undefined) before.error = error
    const since = before?.since ?? this.#options.now()
    this.#unavailable.set(planned.name, { planned, plugin, error, since })
  }

  #mayFail(planned: PlannedPlugin): boolean {
    const { mode, from } = this.#options
    if (mode === 'heal') return true
    const brokenBefore = from.unavailable.has(planned.name)
    const dragged = planned.needs.some((name) => this.#unavailable.has(name))
    if (mode === 'reload') return brokenBefore || dragged
    return !planned.critical || dragged
  }
}

/** A dependant without this one cannot run: it requires a service of it, or migrations that it runs. */
function isHard(planned: PlannedPlugin, needed: PlannedPlugin | undefined): boolean {
  if (needed === undefined) return false
  const { requires, migrations } = planned.source.facts
  const { provides, fills } = needed.source.facts
  const requiresIt = requires.some(({ id, optional }) => !optional && provides.includes(id))
  return requiresIt || (migrations && fills.includes('migrator'))
}

/** The part of a plan that one plugin stands on. */
export function excerpt(plan: Plan, name: string): Plan {
  const wanted = new Set<string>()
  const want = (planned: PlannedPlugin | undefined): void => {
    if (planned === undefined || wanted.has(planned.name)) return
    wanted.add(planned.name)
    for (const need of planned.needs) want(plan.plugins.find((other) => other.name === need))
  }
  want(plan.plugins.find((planned) => planned.name === name))
  return { ...plan, plugins: plan.plugins.filter((planned) => wanted.has(planned.name)) }
}
