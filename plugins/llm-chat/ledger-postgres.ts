import type { DatabaseService } from 'autodocops/plugins/database'
import type { Knex } from 'knex'

import type { Balance, Closing, Ledger, LedgerRow, Opening } from './ledger.ts'

/**
 * One statement for each step: the row lock of the balance is held for no longer, and the one session of the
 * embedded database is not either.
 */
const open = `
WITH taken AS (
  INSERT INTO llm_chat_balances AS held (owner, period, used, reserved)
  SELECT :owner, :period, 0, :reserved
  WHERE :limit::bigint IS NULL OR :reserved <= :limit::bigint
  ON CONFLICT (owner, period) DO UPDATE SET reserved = held.reserved + excluded.reserved
  WHERE :limit::bigint IS NULL OR held.used + held.reserved + excluded.reserved <= :limit::bigint
  RETURNING owner
)
INSERT INTO llm_chat_generations
  (id, owner, period, model, input_tokens, reserved, expires_at)
SELECT :id, owner, :period, :model, :inputTokens, :reserved,
  now() + :leaseMs * interval '1 millisecond'
FROM taken
RETURNING id`

const checkpoint = `
UPDATE llm_chat_generations AS row
SET output_tokens = seen.tokens, expires_at = now() + :leaseMs * interval '1 millisecond'
FROM (SELECT unnest(:ids::text[]) AS id, unnest(:tokens::integer[]) AS tokens) AS seen
WHERE row.id = seen.id AND row.outcome IS NULL`

const settle = `
UPDATE llm_chat_balances AS held
SET used = held.used + sums.spent, reserved = held.reserved - sums.reserved
FROM (
  SELECT owner, period, sum(reserved) AS reserved, sum(spent) AS spent
  FROM closed GROUP BY owner, period
) AS sums
WHERE held.owner = sums.owner AND held.period = sums.period`

const close = `
WITH closed AS (
  UPDATE llm_chat_generations
  SET outcome = :outcome, provider = :provider, input_tokens = :inputTokens,
    output_tokens = :outputTokens, estimated = :estimated, duration_ms = :durationMs,
    finished_at = now()
  WHERE id = :id AND outcome IS NULL
  RETURNING owner, period, reserved, input_tokens + output_tokens AS spent
) ${settle}`

const reap = `
WITH closed AS (
  UPDATE llm_chat_generations SET outcome = 'lost', finished_at = now()
  WHERE outcome IS NULL AND expires_at < now()
  RETURNING id, owner, period, reserved, input_tokens + output_tokens AS spent
), settled AS (${settle})
SELECT id FROM closed`

export class PostgresLedger implements Ledger {
  readonly #knex: Knex

  constructor({ database }: { readonly database: DatabaseService }) {
    this.#knex = database.knex
  }

  async open(opening: Opening): Promise<boolean> {
    return (await this.#rows(open, { ...opening })).length === 1
  }

  async checkpoint(
    rows: readonly { readonly id: string; readonly outputTokens: number }[],
    leaseMs: number,
  ): Promise<void> {
    if (rows.length === 0) return
    const ids = rows.map(({ id }) => id)
    const tokens = rows.map(({ outputTokens }) => outputTokens)
    await this.#knex.raw(checkpoint, { ids, tokens, leaseMs })
  }

  async close({ usage, ...closing }: Closing): Promise<void> {
    const durationMs = Math.round(closing.durationMs)
    await this.#knex.raw(close, { ...closing, ...usage, durationMs })
  }

  async balance(owner: string, period: string): Promise<Balance> {
    const sql = 'SELECT used, reserved FROM llm_chat_balances WHERE owner = ? AND period = ?'
    const [row] = await this.#rows(sql, [owner, period])
    return { used: Number(row?.['used'] ?? 0), reserved: Number(row?.['reserved'] ?? 0) }
  }

  async reap(): Promise<readonly string[]> {
    return (await this.#rows(reap, [])).map((row) => String(row['id']))
  }

  async row(id: string): Promise<LedgerRow | undefined> {
    const sql = `SELECT owner, outcome, input_tokens AS input, output_tokens AS output, estimated
      FROM llm_chat_generations WHERE id = ?`
    const [row] = await this.#rows(sql, [id])
    if (row === undefined) return undefined
    return {
      owner: String(row['owner']),
      outcome: row['outcome'] as LedgerRow['outcome'],
      inputTokens: Number(row['input']),
      outputTokens: Number(row['output']),
      estimated: row['estimated'] === true,
    }
  }

  async #rows(sql: string, bindings: Knex.RawBinding[] | Knex.ValueDict): Promise<Row[]> {
    const result: unknown = await this.#knex.raw(sql, bindings)
    return (result as { rows: Row[] }).rows
  }
}

type Row = Readonly<Record<string, unknown>>
