import type { PluginFacts } from '../facts.ts'
import { readEntries } from '../manifest/entries.ts'
import { FaultList } from '../manifest/fault-list.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { builtInSources, outsideSource } from '../sources.ts'

/** The facts of every built-in plugin, and of those from outside that the manifest switches on. */
export async function knownPlugins(manifest: Manifest): Promise<readonly PluginFacts[]> {
  const builtIn = builtInSources()
  const entries = readEntries(manifest, new FaultList(manifest)).filter(({ enabled }) => enabled)
  const outside = await Promise.all(
    entries.map(({ from }) => (from === undefined ? undefined : factsFrom(from, manifest.folder))),
  )
  const all = [...[...builtIn.values()].map(({ facts }) => facts), ...outside]
  const byName = new Map(all.flatMap((facts) => (facts === undefined ? [] : [[facts.name, facts]])))
  return [...byName.values()]
}

/** One that cannot be loaded is `check`'s business. */
async function factsFrom(from: string, folder: string): Promise<PluginFacts | undefined> {
  try {
    return (await outsideSource(from, folder)).facts
  } catch {
    return undefined
  }
}
