import type { Knex } from 'knex'

type Scalar = string | number | boolean | Date | null
/** A value of a statement; an array is one value of an array type. */
export type Binding = Scalar | readonly Scalar[]

const camel = (key: string) => key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** One statement; its rows in camelCase (knex's own mappers do not reach into a raw result). */
export async function rows<T>(
  db: Knex,
  statement: string,
  values: readonly Binding[] = [],
): Promise<T[]> {
  const result = (await db.raw(statement, [...values] as Knex.RawBinding[])) as {
    readonly rows: readonly object[]
  }
  return result.rows.map(
    (row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [camel(k), v])) as T,
  )
}

/** The first row, if any. */
export const row = async <T>(db: Knex, statement: string, values: readonly Binding[] = []) =>
  (await rows<T>(db, statement, values))[0]

/** How many rows a statement changed. */
export async function changed(
  db: Knex,
  statement: string,
  values: readonly Binding[] = [],
): Promise<number> {
  const result = (await db.raw(statement, [...values] as Knex.RawBinding[])) as {
    readonly rowCount: number | null
  }
  return result.rowCount ?? 0
}

/** `milliseconds` of a binding as an interval, by the database's clock: the only one that orders things. */
export const inMs = `clock_timestamp() + ?::float8 * interval '1 millisecond'`
