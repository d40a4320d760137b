import type * as z from 'zod'

import { didYouMean } from './closest.ts'
import type { FaultList } from './fault-list.ts'
import type { FaultCode } from './faults.ts'
import { fit, type Issue } from './fit.ts'
import type { Manifest } from './manifest.ts'
import { isSampleSecret } from './sample-secrets.ts'
import { keyMeta, keysAt, secretRule, visit, type Visit } from './schema-walk.ts'
import { pathText, type Path } from './tree.ts'

export interface SectionOptions {
  readonly manifest: Manifest
  readonly path: Path
  readonly schema: z.ZodType
  readonly faults: FaultList
  readonly production: boolean
}

export interface Section {
  /** Parsed; `undefined` when it has faults. */
  readonly data: unknown
  /** Secrets that nobody gave, and that development makes by itself. */
  readonly generates: readonly string[]
}

/** Good enough for every schema of a secret; taken out again after the parse. */
const placeholder = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(8)

/** Judges one part of a manifest (`server`, a plugin's `config`) by its schema. */
export class SectionReader {
  readonly #options: SectionOptions
  /** Paths whose fault was told: what the schema says of them is noise. */
  readonly #told = new Set<string>()
  readonly #secrets: string[] = []
  #raw: unknown

  constructor(options: SectionOptions) {
    this.#options = options
    this.#raw = options.manifest.value(options.path) ?? {}
  }

  read(): Section {
    const { schema, manifest, path } = this.#options
    this.#tellInterpolation()
    for (const seen of visit(schema, this.#raw)) this.#judge(seen)
    const generates = this.#generated()
    const value = generates.reduce(
      (raw, key) => ({ ...(raw as object), [key]: placeholder }),
      this.#raw,
    )
    const result = fit(
      schema,
      value,
      (at) => manifest.origin([...path, ...(at as Path)]) !== undefined,
    )
    if (result.ok) return { data: without(result.data, generates), generates }
    for (const issue of result.issues.flatMap(unfolded)) this.#tell(issue)
    return { data: undefined, generates }
  }

  #tellInterpolation(): void {
    const { manifest, path, faults } = this.#options
    for (const { path: at, fault } of manifest.interpolationFaults(path)) {
      const { code, message, ...extra } = fault
      faults.add(code, at, message, extra)
      this.#told.add(pathText(at))
    }
  }

  #judge({ path, schema, value }: Visit): void {
    if (value === undefined) return
    const { deprecated, replacedBy, removedIn } = keyMeta(schema)
    if (deprecated && path.length > 0) this.#deprecated(path, replacedBy, removedIn)
    if (typeof value === 'string' && secretRule(schema) !== undefined)
      this.#judgeSecret(path, value)
  }

  #deprecated(path: Path, replacedBy: string | undefined, removedIn: string | undefined): void {
    const end = removedIn === undefined ? '' : ` and will be refused by ${removedIn}`
    this.#options.faults.add('E_DEPRECATED', this.#full(path), `is deprecated${end}`, {
      hint: replacedBy === undefined ? undefined : `use '${replacedBy}' instead`,
      severity: 'warning',
      at: 'key',
    })
  }

  #judgeSecret(path: Path, value: string): void {
    const { manifest, faults, production } = this.#options
    const at = this.#full(path)
    if (this.#told.has(pathText(at))) return
    this.#secrets.push(value)
    const origin = manifest.origin(at)
    if (isSampleSecret(value)) return this.#sample(path, production)
    if (origin !== undefined && !origin.startsWith('the manifest')) return
    faults.add('E_SECRET_INLINE', at, 'a secret is written in the manifest', {
      hint: 'keep it in the environment or in a file: "${NAME}", with NAME or NAME_FILE set',
      severity: 'warning',
    })
  }

  /** In development as if it were not there, so that an example's `.env` works as it is. */
  #sample(path: Path, production: boolean): void {
    const message = 'is a sample value, which everybody knows'
    this.#options.faults.add('E_SAMPLE_SECRET', this.#full(path), message, {
      hint: production ? 'set a real one' : 'counts as not set; production refuses it',
      severity: production ? 'error' : 'warning',
    })
    if (production) this.#told.add(pathText(this.#full(path)))
    else this.#raw = removed(this.#raw, path)
  }

  #generated(): readonly string[] {
    const { schema, production, faults } = this.#options
    const missing = [...visit(schema, this.#raw)].filter(
      ({ path, value, schema: key }) =>
        path.length === 1 && value === undefined && secretRule(key)?.generated,
    )
    if (!production) return missing.map(({ path }) => String(path[0]))
    for (const { path, schema: key } of missing) {
      const at = this.#full(path)
      if (this.#told.has(pathText(at))) continue
      faults.add('E_SECRET_MISSING', at, 'is required in production', {
        hint: `${howToSet(keyMeta(key).env, at)}; make one: openssl rand -base64 48`,
      })
      this.#told.add(pathText(at))
    }
    return []
  }

  #tell(issue: Issue): void {
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys') return this.#unknown(path, issue.keys)
    const at = this.#full(path)
    if (this.#told.has(pathText(at))) return
    const schema = [...visit(this.#options.schema, this.#raw)].find(
      (seen) => pathText(seen.path) === pathText(path),
    )?.schema
    const isMissing = schema !== undefined && valueAt(this.#raw, path) === undefined
    const isSecretMissing = isMissing && secretRule(schema) !== undefined
    const code = (issue.code === 'custom' && issue.params?.['code']) || 'E_CONFIG'
    this.#options.faults.add(
      isSecretMissing ? 'E_SECRET_MISSING' : (code as FaultCode),
      at,
      this.#scrubbed(wordsOf(issue), at, valueAt(this.#raw, path)),
      { hint: isMissing ? howToSet(keyMeta(schema).env, at) : this.#hint(issue, path) },
    )
  }

  #hint(issue: Issue, path: Path): string | undefined {
    const value = valueAt(this.#raw, path)
    if (issue.code === 'invalid_value' && typeof value === 'string')
      return didYouMean(value, issue.values.map(String))
    if (value === null) return 'remove the key, or give it a value'
    const isLiteral = this.#options.manifest.origin(this.#full(path)) === undefined
    const wantsBare = issue.code === 'invalid_type' && bareKinds.includes(issue.expected)
    const isBare = typeof value === 'string' && /^(\d+|true|false)$/.test(value)
    const isQuoted = isLiteral && wantsBare && isBare
    return isQuoted ? 'write it without quotes' : undefined
  }

  #unknown(path: Path, keys: readonly string[]): void {
    const known = keysAt(this.#options.schema, path)
    for (const key of keys) {
      // `apiKey:sk_live…` in a flow map is one key: a space is missing, and what follows may be a secret.
      const [name = '', rest] = key.split(':')
      const at = this.#full([...path, rest === undefined ? key : `${name}:…`])
      const hint =
        rest === undefined
          ? (didYouMean(key, known) ??
            (known.length > 0 ? `known: ${known.join(', ')}` : undefined))
          : `a space is missing after '${name}:'`
      const message = rest === undefined ? `unknown option '${key}'` : `unknown option`
      this.#options.faults.add('E_CONFIG', at, message, { hint, at: 'key' })
    }
  }

  /** A schema's own message may quote what it was given. */
  #scrubbed(message: string, at: Path, value: unknown): string {
    const isForeign = this.#options.manifest.origin(at) !== undefined
    const own =
      isForeign && typeof value === 'string' && value.length >= tellingLength ? [value] : []
    return [...this.#secrets, ...own]
      .filter((text) => text !== '')
      .reduce((text, hidden) => text.replaceAll(hidden, '[redacted]'), message)
  }

  #full(path: Path): Path {
    return [...this.#options.path, ...path]
  }
}

const howToSet = (env: string | undefined, path: Path): string =>
  env === undefined ? `write ${pathText(path)}` : `set ${env}, or write ${pathText(path)}`

/** The one form of a union that was meant: all others refuse the very kind of value. */
function unfolded(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue]
  const meant = issue.errors.filter((form) => !form.some(refusesKind))
  const [only, ...others] = meant
  if (only === undefined || others.length > 0) return [issue]
  return only
    .map((below) => ({ ...below, path: [...issue.path, ...below.path] }) as Issue)
    .flatMap(unfolded)
}

const bareKinds: readonly string[] = ['number', 'int', 'boolean']

/** What comes from outside is not printed; a short word may well be a word of the message. */
const tellingLength = 12

const refusesKind = ({ path, code }: Issue): boolean =>
  path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')

/** `must be false, or must be a map of keys, but this is text` */
function wordsOf(issue: Issue): string {
  if (issue.code !== 'invalid_union') return issue.message
  const kinds = issue.errors.flat().filter(refusesKind)
  return [...new Set(kinds.map(({ message }) => message))].join(', or ') || issue.message
}

const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (at, part) => (at as Record<string, unknown> | undefined | null)?.[part],
    root,
  )

function removed(root: unknown, path: Path): unknown {
  const [part, ...rest] = path
  if (part === undefined || Array.isArray(root)) return root
  const { [part]: child, ...others } = root as Record<string, unknown>
  return rest.length === 0 ? others : { ...others, [part]: removed(child, rest) }
}

const without = (data: unknown, keys: readonly string[]): unknown =>
  keys.reduce((rest, key) => removed(rest, [key]), data)
