import type { Clock } from 'autodocops'

import { rowLeaseMs } from './ledger.ts'
import type { Balance, Closing, Ledger, LedgerRow, Opening } from './ledger.ts'

const keptRows = 10_000

interface Row extends Opening {
  readonly period: string
  expiresAt: number
  outputTokens: number
  closing: Pick<Closing, 'outcome' | 'usage'> | undefined
}

/** Without a database: as long as the process lives, the last 10,000 rows. */
export class MemoryLedger implements Ledger {
  readonly #clock: Clock
  readonly #rows = new Map<string, Row>()
  readonly #balances = new Map<string, { used: number; reserved: number }>()

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock
  }

  async open(opening: Opening): Promise<boolean> {
    const { period } = this.#month()
    const balance = this.#balance(opening.owner, period)
    const total = balance.used + balance.reserved + opening.reserved
    if (opening.limit !== null && total > opening.limit) return false
    balance.reserved += opening.reserved
    const expiresAt = this.#clock.monotonic() + rowLeaseMs
    const row = { ...opening, period, expiresAt, outputTokens: 0, closing: undefined }
    this.#rows.set(opening.id, row)
    this.#forgetOld()
    return true
  }

  async checkpoint(
    rows: readonly { readonly id: string; readonly outputTokens: number }[],
  ): Promise<void> {
    const expiresAt = this.#clock.monotonic() + rowLeaseMs
    for (const { id, outputTokens } of rows) {
      const row = this.#rows.get(id)
      if (row !== undefined) Object.assign(row, { outputTokens, expiresAt })
    }
  }

  async close({ id, outcome, usage }: Closing): Promise<void> {
    const row = this.#rows.get(id)
    const before = row?.closing
    if (row === undefined || (before !== undefined && before.outcome !== 'lost')) return
    row.closing = { outcome, usage }
    const balance = this.#balance(row.owner, row.period)
    if (before === undefined) balance.reserved -= row.reserved
    else balance.used -= spentOf(before)
    balance.used += spentOf(row.closing)
  }

  async balance(owner: string): Promise<Balance> {
    const { period, ...reset } = this.#month()
    return { ...this.#balance(owner, period), ...reset }
  }

  async reap(): Promise<readonly string[]> {
    const now = this.#clock.monotonic()
    const lost = [...this.#rows.values()].filter(
      (row) => row.closing === undefined && row.expiresAt < now,
    )
    for (const { id, inputTokens, outputTokens } of lost) {
      const usage = { inputTokens, outputTokens, estimated: true }
      await this.close({ id, provider: 'fake', outcome: 'lost', usage, durationMs: 0 })
    }
    return lost.map(({ id }) => id)
  }

  async row(id: string): Promise<LedgerRow | undefined> {
    const row = this.#rows.get(id)
    if (row === undefined) return undefined
    const { inputTokens, outputTokens, owner } = row
    const usage = row.closing?.usage ?? { inputTokens, outputTokens, estimated: true }
    return { owner, outcome: row.closing?.outcome ?? null, ...usage }
  }

  #month() {
    const now = new Date(this.#clock.now())
    const next = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)
    return {
      period: now.toISOString().slice(0, 7),
      resetAt: new Date(next).toISOString(),
      resetMs: next - now.getTime(),
    }
  }

  #balance(owner: string, period: string) {
    const key = `${period} ${owner}`
    const balance = this.#balances.get(key) ?? { used: 0, reserved: 0 }
    this.#balances.set(key, balance)
    return balance
  }

  #forgetOld(): void {
    if (this.#rows.size <= keptRows) return
    for (const [id, row] of this.#rows) {
      if (row.closing === undefined) continue
      this.#rows.delete(id)
      return
    }
  }
}

const spentOf = ({ usage }: Pick<Closing, 'usage'>): number =>
  usage.inputTokens + usage.outputTokens
