import { duration, secret } from 'autodocops'
import * as z from 'zod'

const isPostgresUrl = (text: string): boolean =>
  URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)

const keys = z.strictObject({
  url: secret()
    .optional()
    .describe('`postgres://user:password@host:port/name`; it wins over the keys below.')
    .meta({ env: 'DATABASE_URL' }),
  host: z
    .string()
    .min(1)
    .optional()
    .describe('Host of a Postgres server. Neither `url` nor `host`: the embedded PGlite.')
    .meta({ env: 'DB_HOST' }),
  port: z
    .int()
    .min(1)
    .max(65_535)
    .default(5432)
    .describe('Port of the Postgres server.')
    .meta({ env: 'DB_PORT' }),
  name: z
    .string()
    .min(1)
    .default('autodocops')
    .describe('Name of the database.')
    .meta({ env: 'DB_NAME' }),
  username: z
    .string()
    .min(1)
    .default('postgres')
    .describe('Role to log in as.')
    .meta({ env: 'DB_USERNAME' }),
  password: secret().optional().describe('Its password.').meta({ env: 'DB_PASSWORD' }),
  ssl: z
    .enum(['disable', 'require', 'verify-full'])
    .optional()
    .describe(
      '`require` encrypts, `verify-full` also checks the certificate. Absent: as `sslmode` in the url says.',
    ),
  pool: z
    .strictObject({
      max: z
        .int()
        .min(1)
        .max(1_000)
        .default(10)
        .describe('Most connections of one process. The embedded database has one.'),
    })
    .prefault({})
    .describe('Connections of this process.'),
  migrate: z
    .enum(['auto', 'never'])
    .default('auto')
    .describe(
      '`auto` applies pending migrations at boot; `never` refuses to start until `autodocops migrate up` ran.',
    ),
  deadlines: z
    .strictObject({
      connect: duration().prefault('2s').describe('To open a connection.'),
      statement: duration().prefault('5s').describe('For one statement.'),
      poolWait: duration()
        .prefault('2s')
        .describe('For a free connection; then 503 `database_busy`.'),
    })
    .prefault({})
    .describe('How long what may take.'),
})

export const config = keys.refine(({ url }) => url === undefined || isPostgresUrl(url.reveal()), {
  path: ['url'],
  error: 'must look like postgres://user:password@host:port/name',
})

export type DatabaseConfig = z.output<typeof config>
