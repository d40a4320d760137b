import { problems } from 'autodocops'
import type { ProblemExtra } from 'autodocops'

export const DatabaseErrors = problems({
  database_busy: {
    status: 503,
    title: 'The database is busy',
    detail: 'no connection of the pool became free in time',
    hint: 'Try again. If it lasts, raise plugins.database.config.pool.max or look for long transactions.',
  },
  database_unavailable: {
    status: 503,
    title: 'The database cannot be reached',
    hint: 'Try again once it answers; a server that runs needs no restart.',
  },
  database_timeout: {
    status: 503,
    title: 'The database did not answer in time',
    detail: 'a statement took longer than plugins.database.config.deadlines.statement',
  },
  database_in_use: {
    status: 503,
    title: 'The embedded database is in use',
    detail: ({ directory }: { directory: string }) =>
      `another server has the embedded database in ${directory} open`,
    hint: 'Stop it, give this one another DATA_DIR, or use Postgres (DATABASE_URL) for several servers.',
  },
  database_not_open: {
    status: 503,
    title: 'The embedded database is not open',
    detail: 'no server has the embedded database open',
    hint: 'autodocops start opens it, and creates it when there is none.',
  },
  database_path_too_long: {
    status: 500,
    title: 'The path of the data folder is too long',
    detail: ({ path, bytes }: { path: string; bytes: number }) =>
      `the socket ${path} has a path of ${bytes} bytes; systems cut it at 104 or 108`,
    hint: 'Choose a shorter DATA_DIR: the socket needs at most 100 bytes.',
  },
  database_unopenable: {
    status: 503,
    title: 'The embedded database cannot be opened',
    detail: ({ directory, reason }: { directory: string; reason: string }) =>
      `cannot open the embedded database in ${directory}: ${reason}`,
    hint: 'Bring a backup back with: autodocops restore <file>',
  },
  backup_unreadable: {
    status: 500,
    title: 'The backup cannot be read',
    detail: ({ file, reason }: { file: string; reason: string }) =>
      `${file} is no whole backup that this version can open: ${reason}. The database is as it was.`,
    hint: 'Restore another file: one that `autodocops backup` wrote, with this version or an older one.',
  },
  schema_newer: {
    status: 503,
    title: 'The database was written by a newer version',
    detail: ({ plugin, names }: { plugin: string; names: readonly string[] }) =>
      `plugin '${plugin}' does not know these migrations, which ran here: ${names.join(', ')}`,
    hint: 'Start the version that wrote it, or restore the backup from before the upgrade.',
  },
  migration_failed: {
    status: 500,
    title: 'A migration failed',
    detail: ({ plugin, name, reason }: { plugin: string; name: string; reason: string }) =>
      `migration ${name} of plugin '${plugin}' failed and was rolled back: ${reason}`,
  },
  migration_refused: {
    status: 503,
    title: 'Migrations are pending',
    detail: ({ plugin, names }: { plugin: string; names: readonly string[] }) =>
      `plugin '${plugin}' needs migrations, and migrate is 'never': ${names.join(', ')}`,
    hint: 'Run: autodocops migrate up',
  },
})

/** What a client is told to do about a database that is down, slow or full: try again in a second. */
export const retrySoon = (cause: unknown): ProblemExtra => ({
  cause,
  headers: { 'Retry-After': '1' },
})
