import type { ChatUsage, Provider } from './contract.ts'

export type LedgerOutcome =
  | 'ok'
  | 'error'
  | 'timeout'
  | 'rate_limited'
  | 'aborted'
  | 'filtered'
  | 'lost'

/** A row of the ledger as it begins. */
export interface Opening {
  readonly id: string
  readonly owner: string
  readonly model: string
  readonly period: string
  /** Estimated; stands when the model reports nothing. */
  readonly inputTokens: number
  /** The most that it can cost; held until the end. */
  readonly reserved: number
  /** Of the period; `null` when billing counts. */
  readonly limit: number | null
  readonly leaseMs: number
}

export interface Closing {
  readonly id: string
  readonly provider: Provider
  readonly outcome: LedgerOutcome
  readonly usage: ChatUsage
  readonly durationMs: number
}

export interface Balance {
  readonly used: number
  readonly reserved: number
}

export interface LedgerRow {
  readonly owner: string
  readonly outcome: LedgerOutcome | null
  readonly inputTokens: number
  readonly outputTokens: number
  readonly estimated: boolean
}

/**
 * What every answer cost: one row each, the aborted ones too. open → closed, once; a row whose instance died
 * is closed as `lost` with its last checkpoint. Used + reserved never exceeds the limit.
 */
export interface Ledger {
  /** False, and nothing is kept, when the limit would be exceeded. */
  readonly open: (opening: Opening) => Promise<boolean>
  /** Still alive, and so far so many tokens. */
  readonly checkpoint: (
    rows: readonly { readonly id: string; readonly outputTokens: number }[],
    leaseMs: number,
  ) => Promise<void>
  /** The second time it changes nothing. */
  readonly close: (closing: Closing) => Promise<void>
  readonly balance: (owner: string, period: string) => Promise<Balance>
  /** Closes rows whose lease has ended; returns their ids, each to one caller. */
  readonly reap: () => Promise<readonly string[]>
  readonly row: (id: string) => Promise<LedgerRow | undefined>
}

/** A calendar month, UTC: `2026-11`. */
export const periodOf = (now: number): string => new Date(now).toISOString().slice(0, 7)

export const periodEnd = (now: number): string => {
  const date = new Date(now)
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)).toISOString()
}
