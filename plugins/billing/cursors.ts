import type { Knex } from 'knex'

import { changed, row } from './sql.ts'

/** Where a long walk goes on, over restarts and instances. */
export const readCursor = async (db: Knex, name: string): Promise<string | undefined> =>
  (await row<{ value: string }>(db, `select value from billing_cursors where name = ?`, [name]))
    ?.value

export const writeCursor = (db: Knex, name: string, value: string): Promise<number> =>
  changed(
    db,
    `insert into billing_cursors as known (name, value) values (?, ?)
     on conflict (name) do update set value = excluded.value, updated_at = clock_timestamp()`,
    [name, value],
  )

export const dropCursor = (db: Knex, name: string): Promise<number> =>
  changed(db, `delete from billing_cursors where name = ?`, [name])

/** The database's time, which is the same for all instances. */
export const databaseTime = async (db: Knex): Promise<Date> =>
  (await row<{ now: Date }>(db, `select clock_timestamp() as now`))?.now ?? new Date()
