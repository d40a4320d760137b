import type { PluginFacts } from './facts.ts'
import type { FaultCode } from './manifest/faults.ts'
import type { Slot } from './slots.ts'

/** What is wrong between plugins; the first of `plugins` is where it is told. */
export interface GraphFault {
  readonly code: FaultCode
  readonly plugins: readonly [string, ...string[]]
  readonly message: string
  readonly hint?: string | undefined
}

export interface GraphNode {
  readonly name: string
  readonly needs: readonly string[]
  readonly level: number
}

/** Only one of each may run. */
const single: readonly Slot[] = ['limiter', 'migrator', 'meter']

/** Who stands on whom, among the plugins that are on. `known` are all others, for advice. */
export class PluginGraph {
  readonly faults: GraphFault[] = []
  /** In the order of their start: level by level, by name. */
  readonly nodes: readonly GraphNode[]
  readonly #plugins: readonly PluginFacts[]
  readonly #known: readonly PluginFacts[]

  constructor(plugins: readonly PluginFacts[], known: readonly PluginFacts[]) {
    this.#plugins = plugins.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    this.#known = known
    this.#refuseDuplicates()
    this.nodes = this.#levels(
      new Map(this.#plugins.map((facts) => [facts.name, this.#needs(facts)])),
    )
  }

  #refuseDuplicates(): void {
    for (const [index, facts] of this.#plugins.entries()) {
      const before = this.#plugins.slice(0, index)
      for (const id of facts.provides) {
        const other = before.find(({ provides }) => provides.includes(id))
        if (other)
          this.#duplicate('E_SERVICE_DUPLICATE', facts, other, `service '${id}' is provided`)
      }
      for (const slot of facts.fills.filter((name) => single.includes(name))) {
        const other = before.find(({ fills }) => fills.includes(slot))
        if (other) this.#duplicate('E_SLOT_DUPLICATE', facts, other, `the slot '${slot}' is filled`)
      }
    }
  }

  #duplicate(code: FaultCode, { name }: PluginFacts, other: PluginFacts, what: string): void {
    const hint = `switch one of them off: plugins.${other.name}: false, or plugins.${name}: false`
    const message = `${what} by '${other.name}' already`
    this.faults.push({ code, plugins: [name, other.name], message, hint })
  }

  #needs(facts: PluginFacts): readonly string[] {
    const services = facts.requires.map(({ id, optional }) => {
      const provider = this.#providerOf(id)
      if (provider === undefined && !optional) this.#missing(facts, id)
      return provider?.name
    })
    const names = [...services, facts.migrations ? this.#migratorOf(facts) : undefined]
    return [...new Set(names.filter((name) => name !== undefined))].toSorted()
  }

  #missing({ name }: PluginFacts, id: string): void {
    this.faults.push({
      code: 'E_SERVICE_MISSING',
      plugins: [name],
      message: `'${name}' requires the service '${id}', which no enabled plugin provides`,
      hint: this.#advice(({ provides }) => provides.includes(id)),
    })
  }

  /**
   * A migrator's own migrations need nobody. A plugin that can do without the database does without its
   * tables too.
   */
  #migratorOf(facts: PluginFacts): string | undefined {
    const { name } = facts
    const migrator = this.#plugins.find(({ fills }) => fills.includes('migrator'))
    if (migrator !== undefined) return migrator.name === name ? undefined : migrator.name
    if (this.#doesWithoutTables(facts)) return undefined
    this.faults.push({
      code: 'E_SLOT_EMPTY',
      plugins: [name],
      message: `'${name}' has migrations, and no enabled plugin runs them`,
      hint: this.#advice(({ fills }) => fills.includes('migrator')),
    })
    return undefined
  }

  /**
   * The database is what a migrator provides. An embedder's list may know no migrator: then any service that
   * is absent and may be is taken for it.
   */
  #doesWithoutTables({ requires }: PluginFacts): boolean {
    const absent = requires.filter(
      ({ id, optional }) => optional && this.#providerOf(id) === undefined,
    )
    const migrators = this.#known.filter(({ fills }) => fills.includes('migrator'))
    if (migrators.length === 0) return absent.length > 0
    return absent.some(({ id }) => migrators.some(({ provides }) => provides.includes(id)))
  }

  #providerOf(id: string): PluginFacts | undefined {
    return this.#plugins.find(({ provides }) => provides.includes(id))
  }

  #advice(could: (facts: PluginFacts) => boolean): string | undefined {
    const names = this.#known.filter(could).map(({ name }) => name)
    return names.length === 0
      ? 'no plugin that is known does'
      : `enable one of: ${names.join(', ')}`
  }

  #levels(needs: ReadonlyMap<string, readonly string[]>): readonly GraphNode[] {
    const levels = new Map<string, number>()
    const left = new Map(needs)
    for (;;) {
      const ready = [...left].filter(([, names]) => names.every((name) => levels.has(name)))
      if (ready.length === 0) break
      for (const [name, names] of ready) {
        levels.set(name, Math.max(-1, ...names.map((needed) => levels.get(needed) ?? 0)) + 1)
        left.delete(name)
      }
    }
    this.#refuseCycles(left)
    const nodes = [...levels].map(([name, level]) => ({
      name,
      level,
      needs: needs.get(name) ?? [],
    }))
    return nodes.toSorted((a, b) => a.level - b.level || (a.name < b.name ? -1 : 1))
  }

  /** Each cycle once; what merely stands on one is not blamed. */
  #refuseCycles(left: ReadonlyMap<string, readonly string[]>): void {
    const told = new Set<string>()
    for (const start of left.keys()) {
      const cycle = cycleFrom(start, left)
      const [first = start, ...rest] = cycle
      if (cycle.some((name) => told.has(name))) continue
      for (const name of cycle) told.add(name)
      this.faults.push({
        code: 'E_CYCLE',
        plugins: [first, ...rest],
        message: `plugins need each other: ${[...cycle, first].join(' → ')}`,
        hint: `switch one of them off`,
      })
    }
  }
}

/** Follows the needs until a name comes back; begins with the cycle's first name by the alphabet. */
function cycleFrom(start: string, left: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const seen: string[] = []
  let current: string | undefined = start
  while (current !== undefined && !seen.includes(current)) {
    seen.push(current)
    current = left.get(current)?.find((name) => left.has(name))
  }
  const cycle = seen.slice(seen.indexOf(current ?? start))
  const first = cycle.indexOf(cycle.toSorted()[0] ?? start)
  return [...cycle.slice(first), ...cycle.slice(0, first)]
}
