/** Where a manifest breaks a rule. Lines and columns count from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly col: number
}

/** What each code means; a code never changes its meaning. */
export const faultCodes = {
  E_MANIFEST_MISSING:
    'The manifest, or the file that is named instead, cannot be read, or is empty.',
  E_PROFILE_UNKNOWN: 'AUTODOCOPS_PROFILE names an overlay that does not exist.',
  E_SYNTAX: 'A file is no YAML, or an interpolation cannot be read.',
  E_KEY_DUPLICATE: 'A key stands twice in one map.',
  E_KEY_UNKNOWN: 'A block, or a key of a plugin beside `config`, that does not exist.',
  E_ENV_MISSING: 'A variable without a default is not set.',
  E_ENV_CONFLICT: 'A variable and its `_FILE` are both set.',
  E_SECRET_FILE: 'The file that a `_FILE` variable names cannot be read, or is empty.',
  E_SECRET_MISSING: 'A secret is needed, and nobody gave one.',
  E_SECRET_INLINE: 'A secret is written in the manifest itself (a warning).',
  E_SAMPLE_SECRET: 'A secret has the value of an example: a warning, in production a fault.',
  E_CONFIG: 'A value does not fit its option, or the option does not exist.',
  E_DEPRECATED: 'An option that a later version will refuse (a warning).',
  E_PLUGIN_UNKNOWN: 'No plugin has this name.',
  E_PLUGIN_INCOMPATIBLE: 'A plugin names another core; with `ignoreCore: true` a warning.',
  E_PLUGIN_LOAD: 'A plugin from outside, or a config schema, cannot be loaded.',
  E_SERVICE_MISSING: 'A plugin requires a service that no enabled plugin provides.',
  E_SERVICE_DUPLICATE: 'Two enabled plugins provide the same service.',
  E_SLOT_DUPLICATE: 'Two enabled plugins fill a slot that is single.',
  E_SLOT_EMPTY: 'A plugin has migrations, and no enabled plugin runs them.',
  E_CYCLE: 'Plugins need each other in a ring.',
  E_ROUTE_CLASH: 'Two enabled plugins answer the same method and path.',
  E_METRIC_CLASH: 'Two enabled plugins count under the same name.',
} as const

export type FaultCode = keyof typeof faultCodes

export interface Fault extends Position {
  readonly code: FaultCode
  /** `plugins.billing.config.prices[0]`; `$` is the whole of it. */
  readonly path: string
  /** Says what is wrong; never holds a value. */
  readonly message: string
  /** Where the value came from: `env STRIPE_API_KEY`. */
  readonly origin?: string
  /** Says what to do. */
  readonly hint?: string
  readonly severity: 'error' | 'warning'
}

/** Every fault of a manifest at once; warnings stand among them. */
export class FaultsError extends Error {
  override readonly name = 'FaultsError'
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(faults.map(faultText).join('\n'))
    this.faults = faults
  }
}

export const isError = ({ severity }: Fault): boolean => severity === 'error'

/** `config/manifest.yaml:12:14 E_CONFIG plugins.billing.config: …`, and the hint on a line of its own. */
export function faultText(fault: Fault): string {
  const { file, line, col, code, path, message, origin, hint, severity } = fault
  const weight = severity === 'warning' ? ' warning' : ''
  const from = origin === undefined ? '' : ` (value from ${origin})`
  const advice = hint === undefined ? '' : `\n    hint: ${hint}`
  return `${file}:${line}:${col}${weight} ${code} ${path}: ${message}${from}${advice}`
}

/** An annotation that GitHub Actions and Forgejo show beside the line. */
export function faultAnnotation(fault: Fault): string {
  const { file, line, col, code, path, message, origin, hint, severity } = fault
  const from = origin === undefined ? '' : ` (value from ${origin})`
  const advice = hint === undefined ? '' : `\nhint: ${hint}`
  const place = `file=${property(file)},line=${line},col=${col},title=${property(code)}`
  return `::${severity} ${place}::${escaped(`${path}: ${message}${from}${advice}`)}`
}

const escaped = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

const property = (text: string): string =>
  escaped(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
