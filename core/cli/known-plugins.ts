import type { PluginFacts } from '../facts.ts'
import { readEntries } from '../manifest/entries.ts'
import { FaultList } from '../manifest/fault-list.ts'
import type { Manifest } from '../manifest/manifest.ts'
import { builtInSources, outsideFacts } from '../sources.ts'

/**
 * The facts of every built-in plugin, and of those from outside that the manifest names. None of their
 * code runs; one that cannot be read is `check`'s business.
 */
export function knownPlugins(manifest: Manifest): readonly PluginFacts[] {
  const builtIn = [...builtInSources().values()].map(({ facts }) => facts)
  const entries = readEntries(manifest, new FaultList(manifest))
  const outside = entries.map(({ from }) => from && outsideFacts(from, manifest.folder))
  const all = [...builtIn, ...outside.filter((facts) => typeof facts === 'object')]
  return [...new Map(all.map((facts) => [facts.name, facts])).values()]
}
