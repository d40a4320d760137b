import { asFunction, asValue, createContainer, type AwilixContainer } from 'awilix/browser'

import { HostErrors } from './host-errors.ts'
import type { Plugin } from './plugin.ts'

/** Asked for by promises and JSON of any object; nobody's service. */
const harmless = new Set<string>(['then', 'toJSON', 'constructor', 'toString', 'valueOf'])
/** How Node and Deno ask an object to be printed; without an answer they look for names that are nobody's. */
const inspections = new Set(
  ['nodejs.util.inspect.custom', 'Deno.privateCustomInspect'].map((name) => Symbol.for(name)),
)

/**
 * Builds a plugin's services in a strict container of its own: what it declares as values, its own as
 * singletons, nothing else. Everything is built now, so that a wiring fault shows at the start.
 * awilix's dispose() stops in parallel and in the wrong order: stopping is the instance's business.
 */
export function buildServices(
  plugin: Plugin,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const container = createContainer<Record<string, unknown>>({
    strict: true,
    injectionMode: 'PROXY',
  })
  for (const [name, value] of Object.entries(given)) container.register(name, asValue(value))
  for (const [name, build] of Object.entries(plugin.services)) {
    container.register(name, asFunction(build as (services: object) => unknown).singleton())
  }
  const names = [...Object.keys(given), ...Object.keys(plugin.services)]
  const built = names.map((name) => [name, resolve(plugin.name, container, name)] as const)
  return Object.freeze(
    Object.assign(Object.create(undeclared(plugin.name)), Object.fromEntries(built)) as object,
  ) as Readonly<Record<string, unknown>>
}

function resolve(plugin: string, container: AwilixContainer, name: string): unknown {
  try {
    return container.resolve(name)
  } catch (error) {
    const missing = /Could not resolve '([^']+)'/.exec(error instanceof Error ? error.message : '')
    if (missing?.[1] === undefined || container.hasRegistration(missing[1])) throw error
    throw HostErrors.service_undeclared({ plugin, service: missing[1] }, { cause: error })
  }
}

/** Own properties are fast; only a miss gets here, and names the plugin and the service. */
const undeclared = (plugin: string): object =>
  new Proxy(Object.create(null) as object, {
    get: (_target, name, services: object) => {
      if (typeof name === 'symbol')
        return inspections.has(name) ? () => ({ ...services }) : undefined
      if (harmless.has(name)) return undefined
      throw HostErrors.service_undeclared({ plugin, service: name })
    },
  })
