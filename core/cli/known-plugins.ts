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
  const outside = factsFromOutside(manifest).filter((facts) => facts !== undefined)
  return [...new Map([...builtIn, ...outside].map((facts) => [facts.name, facts])).values()]
}

/** Whether it names a plugin whose verbs only its code could tell. */
export const namesUndescribed = (manifest: Manifest): boolean =>
  factsFromOutside(manifest).includes(undefined)

const factsFromOutside = (manifest: Manifest): readonly (PluginFacts | undefined)[] =>
  readEntries(manifest, new FaultList(manifest)).flatMap(({ from }) =>
    from === undefined ? [] : [outsideFacts(from, manifest.folder)],
  )
