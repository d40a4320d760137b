/** Reads JSON whose shape has changed over the years: what is not there is null, nothing throws. */
export type Json = Readonly<Record<string, unknown>>

export const record = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}

/** An array, or the `data` of one of Stripe's lists. */
export function list(value: unknown): readonly Json[] {
  const items = Array.isArray(value) ? value : record(value)['data']
  return Array.isArray(items) ? items.map(record) : []
}

/** Text without NUL, which Postgres cannot hold. */
export const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && !value.includes('\0') ? value : null

/** An id, or that of the object in its place (`expand`). */
export const idOf = (value: unknown): string | null => text(value) ?? text(record(value)['id'])

/** Of four bytes, as the columns are. */
export const integer = (value: unknown): number | null =>
  typeof value === 'number' && value === Math.trunc(value) && Math.abs(value) < 2 ** 31
    ? value
    : null

/** From 1970 to 9999: Postgres does not read every time that JavaScript writes. */
const lastMs = 253_402_300_799_999

/** Seconds (snapshots) or ISO text (thin events). */
export function time(value: unknown): Date | null {
  const ms =
    typeof value === 'number' ? value * 1_000 : Date.parse(typeof value === 'string' ? value : '')
  return ms >= 0 && ms <= lastMs ? new Date(ms) : null
}

export function parse(raw: string): unknown {
  try {
    return JSON.parse(raw)
  } catch {
    return undefined
  }
}
