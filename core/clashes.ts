import { routeLines, routesOf, type PluginSource } from './facts.ts'
import type { GraphFault } from './graph.ts'

export interface RouteTable {
  readonly plugin: string
  /** `GET /api/projects/:id`, `operations GET /admin/cache`. */
  readonly routes: readonly string[]
}

export interface Routed {
  readonly name: string
  readonly source: PluginSource
  /** Parsed; `undefined` when it has faults. */
  readonly config: unknown
}

/**
 * Clashes of the routes that these plugins have with their own configs. Facts tell the routes of a default
 * config: only the code of who clashes by them is loaded, and asked.
 */
export async function configuredClashes(
  plugins: readonly Routed[],
): Promise<readonly GraphFault[]> {
  const asked = new Map<string, readonly string[]>()
  for (;;) {
    const faults = routeClashes(
      plugins.map(({ name, source }) => ({
        plugin: name,
        routes: asked.get(name) ?? source.facts.routes,
      })),
    )
    const named = new Set(faults.flatMap((fault) => fault.plugins))
    const unasked = plugins.filter(({ name }) => named.has(name) && !asked.has(name))
    if (unasked.length === 0) return faults
    for (const one of unasked) asked.set(one.name, await configuredRoutes(one))
  }
}

/** Why code cannot be loaded, or gives no routes, is told when it is started. */
async function configuredRoutes({ source, config }: Routed): Promise<readonly string[]> {
  const { routes } = source.facts
  if (config === undefined) return routes
  try {
    const plugin = await source.load()
    return routeLines((kind) => routesOf(kind, plugin, config))
  } catch {
    return routes
  }
}

/** The same method and shape in two plugins, or twice in one: only the first would ever answer. */
export function routeClashes(tables: readonly RouteTable[]): readonly GraphFault[] {
  return clashes(
    tables.map(({ plugin, routes }) => ({ plugin, names: routes })),
    shapeOf,
    (route, other) => ({
      code: 'E_ROUTE_CLASH',
      message: `route '${route}' is answered by '${other}' already`,
    }),
  )
}

export function metricClashes(
  tables: readonly { readonly plugin: string; readonly metrics: readonly string[] }[],
): readonly GraphFault[] {
  return clashes(
    tables.map(({ plugin, metrics }) => ({ plugin, names: metrics })),
    (name) => name,
    (name, other) => ({
      code: 'E_METRIC_CLASH',
      message: `metric '${name}' is counted by '${other}' already`,
    }),
  )
}

/** `/a/:id` and `/a/:name` are one shape. */
const shapeOf = (route: string): string => route.replace(/([:*])(\w+|"[^"]*")/g, '$1')

interface Names {
  readonly plugin: string
  readonly names: readonly string[]
}

function clashes(
  tables: readonly Names[],
  identity: (name: string) => string,
  describe: (name: string, other: string) => Pick<GraphFault, 'code' | 'message'>,
): readonly GraphFault[] {
  const owners = new Map<string, string>()
  const faults: GraphFault[] = []
  for (const { plugin, names } of tables) {
    for (const name of names) {
      const other = owners.get(identity(name))
      if (other === undefined) owners.set(identity(name), plugin)
      else
        faults.push({
          ...describe(name, other),
          plugins: [plugin, other],
          hint: offOf(plugin, other),
        })
    }
  }
  return faults
}

const offOf = (plugin: string, other: string): string | undefined =>
  plugin === other ? undefined : `switch one of them off: plugins.${plugin}: false`
