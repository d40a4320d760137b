import type { PluginState, RouteFacts } from 'autodocops'
import { createDocument } from 'zod-openapi'

import type { DocsConfig } from './config.ts'
import { operationOf } from './operation.ts'
import { problemExamples } from './problem-responses.ts'
import type { Schemes } from './problem-responses.ts'
import { readable } from './readable.ts'

export type Document = ReturnType<typeof createDocument>
type Paths = NonNullable<Parameters<typeof createDocument>[0]['paths']>

export interface DocumentOptions {
  readonly config: DocsConfig
  readonly routes: readonly RouteFacts[]
  readonly plugins: readonly Pick<PluginState, 'name' | 'version' | 'summary' | 'state'>[]
  readonly schemes: Schemes
  readonly publicUrl: string
  readonly version: string
}

/** OpenAPI 3.1 of exactly these routes, from the schemas that validate them. */
export function openApiDocument(options: DocumentOptions): Document {
  const { config, routes, schemes, publicUrl, version } = options
  const shown = routes.filter(({ hidden, listener }) => hidden !== true && listener === 'public')
  const info = {
    title: config.title,
    description: config.description,
    version,
    license: { name: 'MIT', identifier: 'MIT' },
    'x-plugins': pluginsOf(options),
  }
  const document = {
    openapi: '3.1.1' as const,
    info,
    servers: [{ url: publicUrl }],
    tags: tagsOf(shown, options),
    paths: pathsOf(shown, schemes),
    components: {
      examples: problemExamples(shown, schemes),
      securitySchemes: Object.fromEntries(
        Object.entries(schemes).map(([name, { scheme }]) => [name, scheme as { type: 'http' }]),
      ),
    },
  }
  return createDocument(document, { override: readable })
}

/** What is off has no routes here, and nobody outside needs to know of it. */
const pluginsOf = ({ plugins }: DocumentOptions) =>
  plugins
    .filter(({ state }) => state !== 'disabled')
    .map(({ name, version, summary, state }) => ({ name, version, summary, state }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))

/** A tag is described by the plugin that it stands for. */
function tagsOf(routes: readonly RouteFacts[], { plugins }: DocumentOptions) {
  const owners = new Map<string, string>()
  for (const { plugin, tags = [] } of routes)
    for (const tag of tags) if (!owners.has(tag)) owners.set(tag, plugin)
  const summaryOf = (name: string | undefined) =>
    plugins.find((plugin) => plugin.name === name)?.summary ?? 'The server itself'
  return [...owners.keys()]
    .toSorted()
    .map((name) => ({ name, description: summaryOf(owners.get(name)) }))
}

function pathsOf(routes: readonly RouteFacts[], schemes: Schemes): Paths {
  const paths: Paths = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemes) }
  }
  return paths
}
