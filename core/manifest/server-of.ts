import { FaultList } from './fault-list.ts'
import { FaultsError, isError } from './faults.ts'
import type { Manifest } from './manifest.ts'
import { SectionReader } from './section.ts'
import { serverSchema, type ServerConfig } from './server-config.ts'

/** The server block alone, for commands that only look for a running server. Throws its faults. */
export function serverOf(manifest: Manifest): ServerConfig {
  const faults = new FaultList(manifest)
  const { production } = manifest
  const section = new SectionReader({
    manifest,
    path: ['server'],
    schema: serverSchema,
    faults,
    production,
  })
  const { data } = section.read()
  if (faults.all.some(isError)) throw new FaultsError(faults.all)
  return data as ServerConfig
}
