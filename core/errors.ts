/**
 * Problems: the only errors that decide what a client sees (RFC 9457).
 * Anything else that is thrown, an SDK's error included, becomes a 500 whose details go to the log.
 */

const brand = Symbol.for('autodocops.problem')

/** One fault inside a request: where it is and what is wrong with it. */
export interface ProblemItem {
  readonly in: 'params' | 'query' | 'body' | 'header'
  /** RFC 6901 pointer into that part; '' is the whole of it. */
  readonly pointer: string
  readonly code: string
  readonly message: string
}

export interface ProblemKind<Values = void> {
  readonly status: number
  /** The same for every occurrence; shown to people. */
  readonly title: string
  /** What happened this time, with its values. Never a secret. At 500 and above it goes to the log only. */
  readonly detail?: string | ((values: Values) => string)
  /** What the reader can do about it. */
  readonly hint?: string
}

export interface ProblemExtra {
  readonly cause?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly errors?: readonly ProblemItem[]
  /** Replaces the kind's own detail. */
  readonly detail?: string
  /** Replaces the kind's own hint. */
  readonly hint?: string
}

export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly [brand] = true
  readonly code: string
  readonly status: number
  readonly title: string
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly errors: readonly ProblemItem[] | undefined

  constructor(
    code: string,
    kind: Pick<ProblemKind, 'status' | 'title' | 'hint'>,
    ownDetail: string | undefined,
    extra: ProblemExtra = {},
  ) {
    const detail = extra.detail ?? ownDetail
    super(detail ?? kind.title, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.code = code
    this.status = kind.status
    this.title = kind.title
    this.detail = detail
    this.hint = extra.hint ?? kind.hint
    this.headers = extra.headers ?? {}
    this.errors = extra.errors
  }
}

/** By brand, not by class: two copies of this package in one tree understand each other. */
export const isProblem = (error: unknown): error is ProblemError =>
  typeof error === 'object' && error !== null && brand in error

/** Makes one kind of error, and describes it for the OpenAPI document. */
export interface ProblemMaker {
  readonly code: string
  readonly kind: Pick<ProblemKind, 'status' | 'title' | 'hint'>
}

type Maker<K> = ProblemMaker &
  (K extends { detail: (values: infer V) => string }
    ? (values: V, extra?: ProblemExtra) => ProblemError
    : (extra?: ProblemExtra) => ProblemError)

/**
 * The table of a room's errors: `const E = problems({ project_not_found: { status: 404, … } })`,
 * then `throw E.project_not_found({ id })`. The key is the code, snake_case, and never changes meaning.
 */
export function problems<const T extends Readonly<Record<string, ProblemKind<never>>>>(
  table: T,
): { readonly [K in keyof T]: Maker<T[K]> } {
  const makers = Object.entries(table).map(([code, kind]) => [code, makerOf(code, kind)])
  return Object.freeze(Object.fromEntries(makers)) as { [K in keyof T]: Maker<T[K]> }
}

function makerOf(code: string, kind: ProblemKind<never>): ProblemMaker {
  const { detail } = kind
  const make =
    typeof detail === 'function'
      ? (values: never, extra?: ProblemExtra) => new ProblemError(code, kind, detail(values), extra)
      : (extra?: ProblemExtra) => new ProblemError(code, kind, detail, extra)
  return Object.assign(make, { code, kind })
}
