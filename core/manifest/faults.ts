/** Where a manifest breaks a rule. Lines and columns count from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly col: number
}

/** Codes never change meaning. */
export type FaultCode =
  | 'E_MANIFEST_MISSING'
  | 'E_PROFILE_UNKNOWN'
  | 'E_SYNTAX'
  | 'E_KEY_DUPLICATE'
  | 'E_KEY_UNKNOWN'
  | 'E_ENV_MISSING'
  | 'E_ENV_CONFLICT'
  | 'E_SECRET_FILE'
  | 'E_SECRET_MISSING'
  | 'E_SECRET_INLINE'
  | 'E_SAMPLE_SECRET'
  | 'E_CONFIG'
  | 'E_DEPRECATED'
  | 'E_PLUGIN_UNKNOWN'
  | 'E_PLUGIN_INCOMPATIBLE'
  | 'E_PLUGIN_LOAD'
  | 'E_SERVICE_MISSING'
  | 'E_SERVICE_DUPLICATE'
  | 'E_SLOT_DUPLICATE'
  | 'E_SLOT_EMPTY'
  | 'E_CYCLE'
  | 'E_ROUTE_CLASH'
  | 'E_METRIC_CLASH'

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
