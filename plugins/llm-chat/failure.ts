import type { ProblemError } from 'autodocops'

import { ChatErrors } from './errors.ts'
import type { PlainErrorCode } from './errors.ts'

interface Rule {
  readonly problem: PlainErrorCode
  /** `same`: the same target may do better; `other`: only another one may; `never`: nobody will. */
  readonly retry: 'same' | 'other' | 'never'
  /** Whether it says something of the target's health. */
  readonly counts: boolean
  readonly outcome: 'error' | 'timeout' | 'rate_limited' | 'aborted' | 'filtered'
}

/** Every way in which a model can fail, and what follows from it. */
export const failureRules = {
  connect: { problem: 'model_unreachable', retry: 'same', counts: true, outcome: 'error' },
  disconnected: { problem: 'model_disconnected', retry: 'same', counts: true, outcome: 'error' },
  overloaded: { problem: 'model_overloaded', retry: 'same', counts: true, outcome: 'error' },
  rate_limited: {
    problem: 'model_overloaded',
    retry: 'same',
    counts: true,
    outcome: 'rate_limited',
  },
  failed: { problem: 'model_failed', retry: 'other', counts: true, outcome: 'error' },
  bad_response: { problem: 'model_bad_reply', retry: 'other', counts: true, outcome: 'error' },
  first_token_timeout: {
    problem: 'first_token_timeout',
    retry: 'other',
    counts: true,
    outcome: 'timeout',
  },
  auth: { problem: 'model_credentials_refused', retry: 'other', counts: true, outcome: 'error' },
  insufficient_quota: {
    problem: 'model_quota_exhausted',
    retry: 'other',
    counts: true,
    outcome: 'rate_limited',
  },
  circuit_open: { problem: 'model_circuit_open', retry: 'other', counts: false, outcome: 'error' },
  idle_timeout: { problem: 'idle_timeout', retry: 'never', counts: true, outcome: 'timeout' },
  total_timeout: { problem: 'total_timeout', retry: 'never', counts: false, outcome: 'timeout' },
  bad_request: {
    problem: 'model_refused_request',
    retry: 'never',
    counts: false,
    outcome: 'error',
  },
  context_length: {
    problem: 'model_context_exceeded',
    retry: 'never',
    counts: false,
    outcome: 'error',
  },
  content_filter: {
    problem: 'content_filtered',
    retry: 'never',
    counts: false,
    outcome: 'filtered',
  },
  aborted: { problem: 'answer_cancelled', retry: 'never', counts: false, outcome: 'aborted' },
  too_large: { problem: 'answer_too_large', retry: 'never', counts: false, outcome: 'error' },
  shutdown: { problem: 'server_shutdown', retry: 'never', counts: false, outcome: 'aborted' },
} as const satisfies Readonly<Record<string, Rule>>

export type FailureKind = keyof typeof failureRules

/** What an adapter throws: a kind, never the upstream's text. The cause goes to nobody. */
export class ModelFailure extends Error {
  override readonly name = 'ModelFailure'
  readonly kind: FailureKind
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined

  constructor(
    kind: FailureKind,
    extra: {
      readonly status?: number | undefined
      readonly retryAfterMs?: number | undefined
    } = {},
  ) {
    super(extra.status === undefined ? kind : `${kind} (upstream status ${extra.status})`)
    this.kind = kind
    this.status = extra.status
    this.retryAfterMs = extra.retryAfterMs
  }

  get rule(): Rule {
    return failureRules[this.kind]
  }

  toProblem(): ProblemError {
    const seconds = Math.ceil((this.retryAfterMs ?? 1_000) / 1_000)
    const { problem } = this.rule
    const isLater = ChatErrors[problem].kind.status === 503
    return ChatErrors[problem]({
      cause: this,
      ...(isLater && { headers: { 'Retry-After': String(seconds) } }),
    })
  }
}

export const asFailure = (error: unknown): ModelFailure =>
  error instanceof ModelFailure ? error : new ModelFailure('failed')
