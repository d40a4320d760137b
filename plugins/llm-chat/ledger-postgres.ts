import type { DatabaseService } from 'autodocops/plugins/database'
import type { Clock } from 'autodocops'
import type { Knex } from 'knex'

import { confirmMs, rowLeaseMs } from './ledger.ts'
import type { Balance, Closing, Ledger, LedgerRow, Opening } from './ledger.ts'

/** By the database's clock alone: those of the instances may differ. */
const month = `to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')`
const lease = `interval '${rowLeaseMs} milliseconds'`

/**
 * One statement for each step: the row lock of the balance is held for no longer, and the one session of the
 * embedded database is not either.
 */
const open = `
WITH taken AS (
  INSERT INTO llm_chat_balances AS held (owner, period, used, reserved)
  SELECT :owner, ${month}, 0, :reserved
  WHERE :limit::bigint IS NULL OR :reserved <= :limit::bigint
  ON CONFLICT (owner, period) DO UPDATE SET reserved = held.reserved + excluded.reserved
  WHERE :limit::bigint IS NULL OR held.used + held.reserved + excluded.reserved <= :limit::bigint
  RETURNING owner, period
)
INSERT INTO llm_chat_generations
  (id, owner, period, model, input_tokens, reserved, expires_at)
SELECT :id, owner, period, :model, :inputTokens, :reserved, now() + ${lease}
FROM taken
RETURNING id`

const checkpoint = `
UPDATE llm_chat_generations AS row
SET output_tokens = seen.tokens, expires_at = now() + ${lease}
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

/** What was taken for lost has given its reservation back, and was charged with what was known of it. */
const close = `
WITH known AS (
  SELECT id, CASE WHEN outcome IS NULL THEN reserved ELSE 0 END AS held,
    CASE WHEN outcome IS NULL THEN 0 ELSE input_tokens + output_tokens END AS charged
  FROM llm_chat_generations
  WHERE id = :id AND (outcome IS NULL OR outcome = 'lost')
  FOR UPDATE
), closed AS (
  UPDATE llm_chat_generations AS row
  SET outcome = :outcome, provider = :provider, input_tokens = :inputTokens,
    output_tokens = :outputTokens, estimated = :estimated, duration_ms = :durationMs,
    finished_at = now()
  FROM known WHERE row.id = known.id
  RETURNING owner, period, held AS reserved, input_tokens + output_tokens - charged AS spent
) ${settle}`

/** Over, or longer than a lease can be: its instance is gone, or the clock was set. */
const suspects = `
SELECT id, expires_at::text AS until FROM llm_chat_generations
WHERE outcome IS NULL AND (expires_at < now() OR expires_at > now() + ${lease})`

const reap = `
WITH closed AS (
  UPDATE llm_chat_generations AS row SET outcome = 'lost', finished_at = now()
  FROM (SELECT unnest(:ids::text[]) AS id, unnest(:untils::timestamptz[]) AS until) AS seen
  WHERE row.id = seen.id AND row.expires_at = seen.until AND outcome IS NULL
  RETURNING row.id, owner, period, reserved, input_tokens + output_tokens AS spent
), settled AS (${settle})
SELECT id FROM closed`

const balance = `
SELECT coalesce(used, 0) AS used, coalesce(reserved, 0) AS reserved,
  to_char(next, 'YYYY-MM-DD"T"00:00:00.000"Z"') AS reset_at,
  ceil(extract(epoch FROM next - now() AT TIME ZONE 'UTC') * 1000) AS reset_ms
FROM (
  SELECT ${month} AS period, date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month' AS next
) AS month
LEFT JOIN llm_chat_balances AS held ON held.owner = ? AND held.period = month.period`

interface Suspect {
  readonly until: string
  readonly since: number
}

/** Whether a row is lost, a clock that may be set does not tell alone: only that nobody renews it. */
export class PostgresLedger implements Ledger {
  readonly #knex: Knex
  readonly #clock: Clock
  #suspects: ReadonlyMap<string, Suspect> = new Map()

  constructor({ database, clock }: { readonly database: DatabaseService; readonly clock: Clock }) {
    this.#knex = database.knex
    this.#clock = clock
  }

  async open(opening: Opening): Promise<boolean> {
    return (await this.#rows(open, { ...opening })).length === 1
  }

  async checkpoint(
    rows: readonly { readonly id: string; readonly outputTokens: number }[],
  ): Promise<void> {
    if (rows.length === 0) return
    const ids = rows.map(({ id }) => id)
    const tokens = rows.map(({ outputTokens }) => outputTokens)
    await this.#knex.raw(checkpoint, { ids, tokens })
  }

  async close({ usage, ...closing }: Closing): Promise<void> {
    const durationMs = Math.round(closing.durationMs)
    await this.#knex.raw(close, { ...closing, ...usage, durationMs })
  }

  async balance(owner: string): Promise<Balance> {
    const [row] = await this.#rows(balance, [owner])
    return {
      used: Number(row?.['used']),
      reserved: Number(row?.['reserved']),
      resetAt: String(row?.['reset_at']),
      resetMs: Number(row?.['reset_ms']),
    }
  }

  async reap(): Promise<readonly string[]> {
    const now = this.#clock.monotonic()
    const before = this.#suspects
    const seen = (await this.#rows(suspects, [])).map((row): [string, Suspect] => {
      const [id, until] = [String(row['id']), String(row['until'])]
      const known = before.get(id)
      return [id, known?.until === until ? known : { until, since: now }]
    })
    this.#suspects = new Map(seen)
    const lost = seen.filter(([, { since }]) => now - since >= confirmMs)
    if (lost.length === 0) return []
    const ids = lost.map(([id]) => id)
    const untils = lost.map(([, { until }]) => until)
    return (await this.#rows(reap, { ids, untils })).map((row) => String(row['id']))
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
