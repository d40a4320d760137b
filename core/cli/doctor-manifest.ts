import { isError, type Fault } from '../manifest/faults.ts'
import type { Manifest } from '../manifest/manifest.ts'
import type { Finding } from '../plugin.ts'

/** Every fault of the manifest as a finding of its own, or that there is none. */
export function examineManifest(manifest: Manifest, faults: readonly Fault[]): readonly Finding[] {
  if (faults.length > 0) return faults.map(findingOf)
  const saw = `${manifest.file} is good${manifest.production ? ', for production' : ''}`
  return [{ check: 'manifest', verdict: 'ok', saw }]
}

function findingOf(fault: Fault): Finding {
  const { file, line, col, code, path, message, origin } = fault
  const from = origin === undefined ? '' : ` (value from ${origin})`
  return {
    check: /^E_(SECRET|SAMPLE)/.test(code) ? 'secrets' : 'manifest',
    verdict: isError(fault) ? 'failed' : 'warning',
    saw: `${file}:${line}:${col} ${code} ${path}: ${message}${from}`,
    fix: code === 'E_SAMPLE_SECRET' ? realOne(fault) : (fault.hint ?? adviceOn(fault)),
  }
}

/** A value may also come from a default that is written in the manifest. */
const variableOf = ({ origin = '' }: Fault) => /^env (\S+)$/.exec(origin)?.[1]

const realOne = (fault: Fault): string =>
  `set ${variableOf(fault) ?? fault.path} to a real one; development can do without`

function adviceOn(fault: Fault): string {
  const { file, line, path } = fault
  const variable = variableOf(fault)
  if (variable !== undefined)
    return `set ${variable} to a value that fits; see docs/configuration.md`
  if (path === '$') return `mend line ${line} of ${file}`
  return `mend ${path} in ${file}: autodocops config --explain ${path}`
}
