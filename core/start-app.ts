import { resolve } from 'node:path'

import type { AnyPlugin, AppOptions } from './app-options.ts'
import { Events } from './events.ts'
import { HostErrors } from './host-errors.ts'
import { Host } from './host.ts'
import { createLog } from './log.ts'
import { manifestFromValue } from './manifest/from-value.ts'
import { plan } from './plan.ts'
import { systemClock, systemRandom } from './provide.ts'
import { sourceOf } from './sources.ts'

/** Boots a host over plugins that are at hand as values. */
export async function startApp(plugins: readonly AnyPlugin[], options: AppOptions): Promise<Host> {
  const { env = {}, production = false } = options
  const log = options.log ?? createLog({ level: 'info', pretty: false })
  refuseTwins(plugins)
  const sources = new Map(plugins.map((plugin) => [plugin.name, sourceOf(plugin)]))
  const on = Object.fromEntries(plugins.map(({ name }) => [name, true]))
  const written = { ...options.manifest, plugins: { ...on, ...pluginsOf(options.manifest) } }
  const host = new Host({
    plan: async () => {
      const manifest = manifestFromValue(written, { env, production })
      const made = await plan(manifest, sources, { production })
      return { ...made, server: { ...made.server, dataDir: resolve(made.server.dataDir) } }
    },
    log,
    events: new Events((error, name) =>
      log.error({ err: error, event: name }, 'a listener failed'),
    ),
    clock: systemClock,
    random: systemRandom,
    production,
  })
  await host.boot()
  return host
}

/** A manifest names each once by its keys; a list may name one twice. */
function refuseTwins(plugins: readonly AnyPlugin[]): void {
  const names = plugins.map(({ name }) => name)
  const plugin = names.find((name, i) => names.indexOf(name) !== i)
  if (plugin !== undefined) throw HostErrors.plugin_duplicate({ plugin })
}

const pluginsOf = (manifest: AppOptions['manifest']) =>
  (manifest?.['plugins'] ?? {}) as Readonly<Record<string, unknown>>
