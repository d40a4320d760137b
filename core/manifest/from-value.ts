import { stringify } from 'yaml'

import { ManifestDocument } from './document.ts'
import { Environment } from './environment.ts'
import { Manifest } from './manifest.ts'

/** How faults name a manifest that an embedder wrote in code. */
const shown = '<manifest>'

/** A manifest that is at hand as a value; interpolated like one from a file. */
export function manifestFromValue(
  value: Readonly<Record<string, unknown>>,
  options: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly production: boolean
  },
): Manifest {
  const cwd = process.cwd()
  const document = new ManifestDocument(shown, stringify(value), new Environment(cwd, options.env))
  const { production } = options
  return new Manifest({
    file: shown,
    files: [],
    folder: cwd,
    cwd,
    production,
    isBuiltIn: false,
    root: document.root,
    faults: document.faults,
  })
}
