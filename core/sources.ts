import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import * as z from 'zod'

import {
  factsOf,
  factsSchema,
  linksOf,
  type Links,
  type PluginFacts,
  type PluginSource,
} from './facts.ts'
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
  return sourceOf(await loadPlugin(urlIn(folder, entry)))
}

/** What stands under "autodocops" in the package.json of a folder, by its code, which is run. */
export async function factsOfCode(folder: string): Promise<object> {
  const { plugin = entryOf(folder, 'index'), configModule = entryOf(folder, 'config') } =
    readPackage(folder) ?? {}
  if (plugin === undefined) throw SourceErrors.plugin_folder_missing({ folder })
  return { plugin, configModule, ...factsOf(await loadPlugin(urlIn(folder, plugin))) }
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

const describedSource = (folder: string, { facts, plugin, configModule }: Described) =>
  sourceAt(facts, urlIn(folder, plugin), urlIn(folder, configModule))

const urlIn = (folder: string, file: string): string => pathToFileURL(resolve(folder, file)).href

/** `./index.ts`, seen from the folder. */
const entryOf = (folder: string, name: string): string | undefined =>
  ['ts', 'js', 'mjs']
    .map((extension) => `./${name}.${extension}`)
    .find((file) => existsSync(join(folder, file)))

const sourceAt = (facts: PluginFacts, plugin: string, config: string): PluginSource => ({
  facts,
  loadConfig: () => loadConfig(config),
  load: async () => asDescribed(await loadPlugin(plugin), facts, plugin),
})

async function loadPlugin(url: string): Promise<Plugin> {
  const { default: plugin } = await load(url)
  if (isPlugin(plugin)) return plugin
  throw SourceErrors.plugin_invalid({ where: fileURLToPath(url) })
}

async function loadConfig(url: string): Promise<z.ZodType> {
  const { config } = await load(url)
  if (isSchema(config)) return config
  throw SourceErrors.config_invalid({ where: fileURLToPath(url) })
}

interface Module {
  readonly default?: unknown
  readonly config?: unknown
}

async function load(url: string): Promise<Module> {
  try {
    const module = (await import(url)) as Module
    return isTranspiled(module.default) ? module.default : module
  } catch (cause) {
    if (!isTypeScriptRefused(cause)) throw cause
    throw SourceErrors.plugin_typescript({ where: fileURLToPath(url) }, { cause })
  }
}

/** What compilers make of a module for CommonJS: all its exports are the default one. */
const isTranspiled = (exported: unknown): exported is Module =>
  typeof exported === 'object' && exported !== null && '__esModule' in exported

const refusals = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING']

/** Node before 22.18 runs no TypeScript; below `node_modules` nobody does. Deno tells the code in the message. */
const isTypeScriptRefused = (error: unknown): boolean =>
  error instanceof Error &&
  refusals.some((code) => error.message.includes(code) || ('code' in error && error.code === code))

/** The plan was made from the facts: where they differ, a service would be missing at run time. */
function asDescribed(plugin: Plugin, facts: PluginFacts, url: string): Plugin {
  const [said, is] = [facts, linksOf(plugin)].map(spelt)
  const wrong = Object.keys({ ...is }).filter((key) => said?.[key] !== is?.[key])
  if (wrong.length === 0) return plugin
  throw SourceErrors.plugin_facts_stale({ where: fileURLToPath(url), keys: wrong.join(', ') })
}

const spelt = (links: Links): Readonly<Record<string, string>> => ({
  name: links.name,
  version: links.version,
  requires: sorted(links.requires.map(({ id, optional }) => `${id}${optional ? '?' : ''}`)),
  provides: sorted(links.provides),
  fills: sorted(links.fills),
  migrations: String(links.migrations),
})

const sorted = (words: readonly string[]): string => words.toSorted().join(' ')

const isPlugin = (value: unknown): value is Plugin =>
  typeof value === 'object' &&
  value !== null &&
  'name' in value &&
  'services' in value &&
  'config' in value

const isSchema = (value: unknown): value is z.ZodType =>
  typeof value === 'object' && value !== null && 'safeParse' in value
