import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import * as z from 'zod'

import { factsOf, factsSchema, type PluginFacts, type PluginSource } from './facts.ts'
import { inWords } from './manifest/words.ts'
import { packageRoot } from './package-root.ts'
import type { Plugin } from './plugin.ts'
import { SourceErrors } from './source-errors.ts'

/** The plugins of this package, by `plugins/index.json`. None of their code is loaded. */
export function builtInSources(): Map<string, PluginSource> {
  const root = packageRoot()
  const index = new URL('plugins/index.json', root)
  const { plugins } = JSON.parse(readFileSync(index, 'utf8')) as { plugins: readonly PluginFacts[] }
  // This file runs from the source or from dist/; the plugins beside it are of the same kind.
  const beside = new URL('../plugins/', import.meta.url)
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const sources = plugins.map((facts) => {
    const at = (file: string) => new URL(`${facts.name}/${file}.${extension}`, beside).href
    return [facts.name, sourceAt(facts, at('index'), at('config'))] as const
  })
  return new Map(sources)
}

/** For embedders and tests: a plugin that is at hand as a value. */
export const sourceOf = (plugin: Plugin): PluginSource => ({
  facts: factsOf(plugin),
  loadConfig: async () => plugin.config,
  load: async () => plugin,
})

/** A plugin from outside: `npm:<package>` or `./<folder>`, both seen from the manifest's folder. */
export async function outsideSource(from: string, manifestFolder: string): Promise<PluginSource> {
  const folder = folderOf(from, manifestFolder)
  const described = readPackage(folder)
  if (described !== undefined) return describedSource(folder, described)
  const entry = entryOf(folder, 'index')
  if (entry === undefined) throw SourceErrors.plugin_folder_missing({ folder })
  return sourceOf(await loadPlugin(entry))
}

/** What the package.json of a plugin from outside tells; `undefined` when there is none, or it is wrong. */
export function outsideFacts(from: string, manifestFolder: string): PluginFacts | undefined {
  try {
    return readPackage(folderOf(from, manifestFolder))?.facts
  } catch {
    // Whoever switches it on is told why.
    return undefined
  }
}

const folderOf = (from: string, manifestFolder: string): string =>
  from.startsWith('npm:')
    ? installedFolder(from.slice('npm:'.length), manifestFolder)
    : resolve(manifestFolder, from)

/** By walking up, since `exports` of a package may hide its package.json. */
function installedFolder(name: string, start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', ...name.split('/'))
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (folder === dirname(folder)) throw SourceErrors.plugin_not_installed({ name })
  }
}

/** The facts, and where the code is. */
const describedSchema = factsSchema.extend({
  /** Module with the plugin as its default export. */
  plugin: z.string().default('./index.js'),
  /** Module that exports the schema as `config`, and loads nothing heavy. */
  configModule: z.string().default('./config.js'),
})

interface Described {
  readonly facts: PluginFacts
  readonly plugin: string
  readonly configModule: string
}

function readPackage(folder: string): Described | undefined {
  const where = join(folder, 'package.json')
  if (!existsSync(where)) return undefined
  const { autodocops, version } = parsePackage(where)
  if (autodocops === undefined) return undefined
  const given = { version, ...(autodocops as object) }
  const result = describedSchema.safeParse(given, { error: inWords })
  if (!result.success) {
    const why = result.error.issues
      .map(({ path, message }) => `${path.join('.')} ${message}`)
      .join('; ')
    throw SourceErrors.plugin_facts_invalid({ where, why })
  }
  const { plugin, configModule, ...facts } = result.data
  return { facts, plugin, configModule }
}

function parsePackage(where: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(readFileSync(where, 'utf8')) as Record<string, unknown>
  } catch (cause) {
    throw SourceErrors.plugin_facts_invalid({ where, why: 'is not JSON' }, { cause })
  }
}

function describedSource(folder: string, { facts, plugin, configModule }: Described): PluginSource {
  const at = (path: string) => pathToFileURL(resolve(folder, path)).href
  return sourceAt(facts, at(plugin), at(configModule))
}

function entryOf(folder: string, name: string): string | undefined {
  const files = ['ts', 'js', 'mjs'].map((extension) => join(folder, `${name}.${extension}`))
  const file = files.find((path) => existsSync(path))
  return file === undefined ? undefined : pathToFileURL(file).href
}

const sourceAt = (facts: PluginFacts, plugin: string, config: string): PluginSource => ({
  facts,
  loadConfig: () => loadConfig(config),
  load: () => loadPlugin(plugin),
})

async function loadPlugin(url: string): Promise<Plugin> {
  const module = (await import(url)) as { readonly default?: unknown }
  if (isPlugin(module.default)) return module.default
  throw SourceErrors.plugin_invalid({ where: fileURLToPath(url) })
}

async function loadConfig(url: string): Promise<z.ZodType> {
  const { config } = (await import(url)) as { readonly config?: unknown }
  if (isSchema(config)) return config
  throw SourceErrors.config_invalid({ where: fileURLToPath(url) })
}

const isPlugin = (value: unknown): value is Plugin =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  'services' in value &&
  'config' in value

const isSchema = (value: unknown): value is z.ZodType =>
  typeof value === 'object' && value !== null && 'safeParse' in value
