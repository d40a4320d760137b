import type { GraphFault } from './graph.ts'

export interface RouteTable {
  readonly plugin: string
  /** `GET /api/projects/:id`, `operations GET /admin/cache`. */
  readonly routes: readonly string[]
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
