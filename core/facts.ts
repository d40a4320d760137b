import type * as z from 'zod'

import type { Plugin } from './plugin.ts'
import type { Slot } from './slots.ts'

/**
 * What is known of a plugin without running its code: `plugins/index.json` for the built-in ones,
 * `"autodocops"` in package.json for those from outside. Made by `npm run generate`.
 */
export interface PluginFacts {
  readonly name: string
  readonly version: string
  readonly core: string
  readonly summary: string
  readonly requires: readonly { readonly id: string; readonly optional: boolean }[]
  readonly provides: readonly string[]
  readonly fills: readonly Slot[]
  readonly migrations: boolean
  /** With the config's defaults: `GET /api/projects/:id`, `operations GET /admin/cache`. */
  readonly routes: readonly string[]
  readonly metrics: readonly string[]
  readonly commands: readonly { readonly name: string; readonly summary: string }[]
  /** Environment variables that the default manifest gives to it. */
  readonly environment: readonly string[]
  /** JSON Schema (2020-12) of its config, as written in a manifest. */
  readonly config: Readonly<Record<string, unknown>>
}

/** Where a plugin's facts and code come from. */
export interface PluginSource {
  readonly facts: PluginFacts
  /** The config schema alone: loads `config.ts`, no SDK. */
  readonly loadConfig: () => Promise<z.ZodType>
  readonly load: () => Promise<Plugin>
}
