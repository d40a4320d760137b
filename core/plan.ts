import type { PluginFacts, PluginSource } from './facts.ts'
import type { LogLevel } from './log.ts'
import type { Fault, Position } from './manifest/faults.ts'
import type { Manifest } from './manifest/manifest.ts'
import type { ServerConfig } from './manifest/server-config.ts'

export interface PlannedPlugin {
  readonly name: string
  readonly source: PluginSource
  /** Parsed. Secrets named in `generates` are absent: see `withGeneratedSecrets`. */
  readonly config: unknown
  /** Same key, same instance. */
  readonly key: string
  /** The planned plugins that it stands on, present optional ones and its migrator included. */
  readonly needs: readonly string[]
  /** 0 needs nobody; plugins of one level start in parallel. */
  readonly level: number
  readonly critical: boolean
  readonly generates: readonly string[]
  readonly position: Position
}

export interface Plan {
  /** The same for the same manifest on the same version, on every machine. */
  readonly hash: string
  readonly server: ServerConfig
  readonly log: { readonly level: LogLevel }
  /** In the order of their start. */
  readonly plugins: readonly PlannedPlugin[]
  /** Known and not planned. */
  readonly disabled: readonly PluginFacts[]
  readonly warnings: readonly Fault[]
}

/** What a manifest asks for, ordered and keyed; throws a FaultsError with every fault of it. */
export async function plan(
  manifest: Manifest,
  sources: ReadonlyMap<string, PluginSource>,
  options: { readonly production: boolean },
): Promise<Plan> {
  throw new Error(`not written yet: ${manifest.file} ${sources.size} ${options.production}`)
}
