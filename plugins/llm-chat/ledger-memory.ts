import type { Clock } from 'autodocops'

import type { Balance, Closing, Ledger, LedgerRow, Opening } from './ledger.ts'

const keptRows = 10_000

interface Row extends Opening {
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
    const balance = this.#balance(opening.owner, opening.period)
    const total = balance.used + balance.reserved + opening.reserved
    if (opening.limit !== null && total > opening.limit) return false
    balance.reserved += opening.reserved
    const expiresAt = this.#clock.monotonic() + opening.leaseMs
    this.#rows.set(opening.id, { ...opening, expiresAt, outputTokens: 0, closing: undefined })
    this.#forgetOld()
    return true
  }

  async checkpoint(
    rows: readonly { readonly id: string; readonly outputTokens: number }[],
    leaseMs: number,
  ): Promise<void> {
    const expiresAt = this.#clock.monotonic() + leaseMs
    for (const { id, outputTokens } of rows) {
      const row = this.#rows.get(id)
      if (row !== undefined) Object.assign(row, { outputTokens, expiresAt })
    }
  }

  async close({ id, outcome, usage }: Closing): Promise<void> {
    const row = this.#rows.get(id)
    if (row === undefined || row.closing !== undefined) return
    row.closing = { outcome, usage }
    const balance = this.#balance(row.owner, row.period)
    balance.reserved -= row.reserved
    balance.used += usage.inputTokens + usage.outputTokens
  }

  async balance(owner: string, period: string): Promise<Balance> {
    return { ...this.#balance(owner, period) }
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
