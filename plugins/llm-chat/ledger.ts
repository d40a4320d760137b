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
  /** Estimated; stands when the model reports nothing. */
  readonly inputTokens: number
  /** The most that it can cost; held until the end. */
  readonly reserved: number
  /** Of the month; `null` when billing counts. */
  readonly limit: number | null
}

export interface Closing {
  readonly id: string
  readonly provider: Provider
  readonly outcome: LedgerOutcome
  readonly usage: ChatUsage
  readonly durationMs: number
}

/** Of the month that it is by the ledger's clock, UTC. */
export interface Balance {
  readonly used: number
  readonly reserved: number
  /** When the next one begins, and how long it is until then. */
  readonly resetAt: string
  readonly resetMs: number
}

export interface LedgerRow {
  readonly owner: string
  readonly outcome: LedgerOutcome | null
  readonly inputTokens: number
  readonly outputTokens: number
  readonly estimated: boolean
}

/** A row whose instance does not renew it for so long may be lost. */
export const rowLeaseMs = 40_000
/** … and is, when nobody does between two looks so far apart: longer than from one beat of its instance to the next. */
export const confirmMs = 15_000

/**
 * What every answer cost: one row each, the aborted ones too. open → closed, once; a row whose instance died
 * is closed as `lost` with its last checkpoint, and once more when that instance was only slow. Used + reserved
 * never exceeds the limit.
 */
export interface Ledger {
  /** False, and nothing is kept, when the limit would be exceeded. */
  readonly open: (opening: Opening) => Promise<boolean>
  /** Still alive, and so far so many tokens. */
  readonly checkpoint: (
    rows: readonly { readonly id: string; readonly outputTokens: number }[],
  ) => Promise<void>
  /** Also of a row that was taken for lost. The second time it changes nothing. */
  readonly close: (closing: Closing) => Promise<void>
  readonly balance: (owner: string) => Promise<Balance>
  /** Closes rows that are lost; returns their ids, each to one caller. To be called again and again. */
  readonly reap: () => Promise<readonly string[]>
  readonly row: (id: string) => Promise<LedgerRow | undefined>
}
