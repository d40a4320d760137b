import semver from 'semver'
import type * as z from 'zod'

import { configuredClashes, metricClashes } from './clashes.ts'
import { contentKey } from './content-key.ts'
import { isProblem } from './errors.ts'
import type { PluginFacts, PluginSource } from './facts.ts'
import { PluginGraph, type GraphFault } from './graph.ts'
import { closest, didYouMean } from './manifest/closest.ts'
import { readEntries, type Entry } from './manifest/entries.ts'
import { FaultList } from './manifest/fault-list.ts'
import { FaultsError, isError, type Fault, type Position } from './manifest/faults.ts'
import { logSchema, type LogConfig } from './manifest/log-config.ts'
import type { Manifest } from './manifest/manifest.ts'
import { SectionReader, type Section } from './manifest/section.ts'
import { serverSchema, type ServerConfig } from './manifest/server-config.ts'
import { packageVersion } from './package-root.ts'
import { outsideFacts, outsideSource } from './sources.ts'

export interface PlannedPlugin {
  readonly name: string
  readonly source: PluginSource
  /** Parsed. Secrets named in `generates` are absent. */
  readonly config: unknown
  /** Same key, same instance. */
  readonly key: string
  /** The planned plugins that it stands on, present optional ones and its migrator included. */
  readonly needs: readonly string[]
  /** 0 needs nobody; plugins of one level start in parallel. */
  readonly level: number
  readonly critical: boolean
  /** Top-level secrets of its config that nobody gave: development makes them. */
  readonly generates: readonly string[]
  readonly position: Position
}

export interface Plan {
  /** The same for the same manifest on the same version, on every machine. */
  readonly hash: string
  /** Made from the manifest that comes with the package. */
  readonly isBuiltIn: boolean
  readonly server: ServerConfig
  readonly log: LogConfig
  /** In the order of their start. */
  readonly plugins: readonly PlannedPlugin[]
  /** Known and not planned. */
  readonly disabled: readonly PluginFacts[]
  readonly warnings: readonly Fault[]
}

export interface PlanOptions {
  /** As the manifest's own environment says, when absent. */
  readonly production?: boolean
}

/** What a manifest asks for, ordered and keyed; throws a FaultsError with every fault of it. */
export const plan = (
  manifest: Manifest,
  sources: ReadonlyMap<string, PluginSource>,
  options: PlanOptions = {},
): Promise<Plan> => new Planner(manifest, sources, options.production ?? manifest.production).plan()

const blocks = ['server', 'log', 'plugins', '$schema']

interface Enlisted {
  readonly entry: Entry
  readonly source: PluginSource
  readonly section: Section
}

/** Whether a plugin's range of cores takes this one; release candidates count as what they become. */
export const fitsCore = (range: string, core: string): boolean =>
  semver.satisfies(core, range, { includePrerelease: true })

/**
 * Has no effect outside: it reads package.json of plugins from outside, and loads config schemas, and the code
 * of enabled plugins whose routes seem to clash.
 */
class Planner {
  readonly #manifest: Manifest
  readonly #sources: ReadonlyMap<string, PluginSource>
  readonly #production: boolean
  readonly #faults: FaultList
  readonly #core = packageVersion()
  /** Meant by a misspelt name: nobody is told that they are missing. */
  readonly #assumed: PluginFacts[] = []

  constructor(manifest: Manifest, sources: ReadonlyMap<string, PluginSource>, production: boolean) {
    this.#manifest = manifest
    this.#sources = sources
    this.#production = production
    this.#faults = new FaultList(manifest)
  }

  async plan(): Promise<Plan> {
    // What could not be read would only bring faults that are none.
    if (this.#manifest.faults.some(isError)) throw new FaultsError(this.#faults.all)
    this.#refuseUnknownBlocks()
    const server = this.#section(['server'], serverSchema)
    const log = this.#section(['log'], logSchema)
    const enlisted = await this.#enlist()
    const graph = this.#connect(enlisted.map(({ source }) => source.facts))
    await this.#refuseClashes(enlisted)
    const found = this.#faults.all
    if (found.some(isError)) throw new FaultsError(found)
    return this.#result(server.data as ServerConfig, log.data as LogConfig, enlisted, graph, found)
  }

  #refuseUnknownBlocks(): void {
    const root = this.#manifest.value([])
    if (typeof root !== 'object' || root === null || Array.isArray(root)) {
      const hint = 'begin with: plugins:'
      this.#faults.add('E_CONFIG', [], 'a manifest is a map of server, log and plugins', { hint })
    }
    for (const key of this.#manifest.keys([])) {
      if (blocks.includes(key)) continue
      const plugin = this.#sources.has(key) ? `write it under plugins: { ${key}: … }` : undefined
      const hint = didYouMean(key, blocks) ?? plugin ?? 'known: server, log, plugins'
      this.#faults.add('E_KEY_UNKNOWN', [key], `unknown block '${key}'`, { hint, at: 'key' })
    }
  }

  #section(path: readonly string[], schema: z.ZodType): Section {
    const context = { manifest: this.#manifest, faults: this.#faults, production: this.#production }
    return new SectionReader({ ...context, path, schema }).read()
  }

  async #enlist(): Promise<readonly Enlisted[]> {
    const entries = readEntries(this.#manifest, this.#faults).filter(({ enabled }) => enabled)
    const enlisted = await Promise.all(entries.map((entry) => this.#enlistOne(entry)))
    return enlisted.filter((one) => one !== undefined)
  }

  async #enlistOne(entry: Entry): Promise<Enlisted | undefined> {
    const source = await this.#sourceOf(entry)
    if (source === undefined) return undefined
    this.#judgeCore(entry, source.facts)
    const schema = await this.#attempt(entry, source.loadConfig)
    const path = ['plugins', entry.name, 'config']
    // Without its schema it still counts: who needs it shall not be blamed.
    const section = schema ? this.#section(path, schema) : { data: undefined, generates: [] }
    return { entry, source, section }
  }

  async #sourceOf(entry: Entry): Promise<PluginSource | undefined> {
    const { name, from } = entry
    if (from === undefined) return this.#sources.get(name) ?? this.#unknown(name)
    const source = await this.#attempt(entry, () => outsideSource(from, this.#manifest.folder))
    if (source === undefined || source.facts.name === name) return source
    const message = `the plugin calls itself '${source.facts.name}', not '${name}'`
    this.#faults.add('E_PLUGIN_LOAD', ['plugins', name], message, {
      hint: `write it under plugins.${source.facts.name}`,
      at: 'key',
    })
    return undefined
  }

  #unknown(name: string): undefined {
    const unused = [...this.#sources.keys()].filter(
      (known) => !this.#manifest.isWritten(['plugins', known]),
    )
    const meant = closest(name, unused)
    const facts = meant === undefined ? undefined : this.#sources.get(meant)?.facts
    if (facts !== undefined) this.#assumed.push(facts)
    const hint =
      didYouMean(name, unused) ??
      `known: ${[...this.#sources.keys()].join(', ')}; others need from: npm:<package> or ./<folder>`
    this.#faults.add('E_PLUGIN_UNKNOWN', ['plugins', name], `no plugin is named '${name}'`, {
      hint,
      at: 'key',
    })
  }

  async #attempt<T>({ name, from }: Entry, load: () => Promise<T>): Promise<T | undefined> {
    try {
      return await load()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const advice = isProblem(error) ? error.hint : undefined
      const hint = advice?.replace('<package>', from?.replace('npm:', '') ?? '<package>')
      const path = from === undefined ? ['plugins', name] : ['plugins', name, 'from']
      const at = from === undefined ? 'key' : 'value'
      this.#faults.add('E_PLUGIN_LOAD', path, `cannot be loaded: ${message}`, { hint, at })
      return undefined
    }
  }

  #judgeCore({ name, ignoreCore }: Entry, { version, core }: PluginFacts): void {
    if (fitsCore(core, this.#core)) return
    const message = `${name} ${version} needs a core ${core}, this one is ${this.#core}`
    const hint = ignoreCore
      ? 'runs all the same, since ignoreCore is true'
      : `take another version of it, or try it all the same: plugins.${name}.ignoreCore: true`
    const severity = ignoreCore ? 'warning' : 'error'
    this.#faults.add('E_PLUGIN_INCOMPATIBLE', ['plugins', name], message, {
      hint,
      severity,
      at: 'key',
    })
  }

  #connect(on: readonly PluginFacts[]): PluginGraph {
    const names = new Set(on.map(({ name }) => name))
    const known = [...this.#sources.values()].map(({ facts }) => facts)
    const others = known.filter(({ name }) => !names.has(name))
    const graph = new PluginGraph([...on, ...this.#assumed], others)
    for (const fault of graph.faults) this.#tell(fault)
    return graph
  }

  async #refuseClashes(enlisted: readonly Enlisted[]): Promise<void> {
    const routed = enlisted.map(({ source, section }) => ({
      name: source.facts.name,
      source,
      config: section.data,
    }))
    const metered = enlisted.map(({ source: { facts } }) => ({
      plugin: facts.name,
      metrics: facts.metrics,
    }))
    const faults = [...(await configuredClashes(routed)), ...metricClashes(metered)]
    for (const fault of faults) this.#tell(fault)
  }

  #tell({ code, plugins, message, hint }: GraphFault): void {
    // Told where somebody wrote something: the misspelt plugin's own needs wait for its name.
    const name = plugins.find((plugin) => this.#manifest.isWritten(['plugins', plugin]))
    if (name !== undefined) this.#faults.add(code, ['plugins', name], message, { hint, at: 'key' })
  }

  #result(
    server: ServerConfig,
    log: LogConfig,
    enlisted: readonly Enlisted[],
    graph: PluginGraph,
    warnings: readonly Fault[],
  ): Plan {
    const { publicUrl, origins, dataDir } = server
    const seen = { publicUrl, origins, dataDir, production: this.#production }
    const keys = new Map<string, string>()
    const plugins = graph.nodes.flatMap(({ name, needs, level }): readonly PlannedPlugin[] => {
      const one = enlisted.find(({ entry }) => entry.name === name)
      if (one === undefined) return []
      const { entry, source, section } = one
      const below = needs.map((needed) => keys.get(needed))
      const { version } = source.facts
      const { critical, from } = entry
      const key = contentKey([name, version, from, section.data, section.generates, below, seen])
      keys.set(name, key)
      const position = this.#manifest.keyPosition(['plugins', name])
      const config = section.data
      return [
        {
          name,
          source,
          config,
          key,
          needs,
          level,
          critical,
          generates: section.generates,
          position,
        },
      ]
    })
    const hash = contentKey([server, log, plugins.map(({ key, critical }) => [key, critical])])
    const { isBuiltIn } = this.#manifest
    const disabled = this.#disabled(plugins)
    return { hash, isBuiltIn, server, log, plugins, disabled, warnings }
  }

  #disabled(plugins: readonly PlannedPlugin[]): readonly PluginFacts[] {
    const known = [...this.#sources.values()].map(({ facts }) => facts)
    const all = [...known, ...this.#switchedOffOutside()]
    return all.filter(({ name }) => !plugins.some((planned) => planned.name === name))
  }

  /** Their package.json tells; without one they are not known, since none of their code may run. */
  #switchedOffOutside(): readonly PluginFacts[] {
    const off = readEntries(this.#manifest, new FaultList(this.#manifest)).filter((e) => !e.enabled)
    return off.flatMap(({ from }) =>
      from === undefined ? [] : (outsideFacts(from, this.#manifest.folder) ?? []),
    )
  }
}
