import type { Broken } from './manifest-fixture.ts'

/** Interpolation and what it reads. Each with all that is printed of it. */
export const environment: readonly Broken[] = [
  {
    title: 'a variable that is not set',
    yaml: ['plugins:', '  database: { config: { host: "${DB_HOST}" } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_ENV_MISSING plugins.database.config.host: environment variable DB_HOST is not set → set DB_HOST, or write ${DB_HOST:-default}',
    ],
  },
  {
    title: 'a variable that is empty',
    yaml: ['plugins:', '  database: { config: { host: "${DB_HOST}" } }'].join('\n'),
    env: { DB_HOST: '' },
    told: [
      'config/manifest.yaml:2:31 E_ENV_MISSING plugins.database.config.host: environment variable DB_HOST is not set → set DB_HOST, or write ${DB_HOST:-default}',
    ],
  },
  {
    title: 'a variable with its own message',
    yaml: [
      'plugins:',
      '  database: { config: { host: "${DB_HOST:?ask the database team}" } }',
    ].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_ENV_MISSING plugins.database.config.host: DB_HOST: ask the database team → set DB_HOST, or write ${DB_HOST:-default}',
    ],
  },
  {
    title: 'two variables in one text',
    yaml: ['plugins:', '  database: { config: { host: "${A}.${B}" } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_ENV_MISSING plugins.database.config.host: environment variable A is not set → set A, or write ${A:-default}',
      'config/manifest.yaml:2:31 E_ENV_MISSING plugins.database.config.host: environment variable B is not set → set B, or write ${B:-default}',
    ],
  },
  {
    title: 'an interpolation that is not closed',
    yaml: ['plugins:', '  database: { config: { host: "${DB_HOST" } }'].join('\n'),
    env: { DB_HOST: 'x' },
    told: [
      'config/manifest.yaml:2:31 E_SYNTAX plugins.database.config.host: an interpolation of DB_HOST cannot be read → write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+alternative}; $${ is a plain ${',
    ],
  },
  {
    title: 'an operator that is none',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD-hunter22}" } }'].join(
      '\n',
    ),
    told: [
      'config/manifest.yaml:2:35 E_SYNTAX plugins.database.config.password: an interpolation of DB_PASSWORD cannot be read → write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+alternative}; $${ is a plain ${',
    ],
  },
  {
    title: 'an interpolation without a name',
    yaml: ['plugins:', '  database: { config: { host: "${}" } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_SYNTAX plugins.database.config.host: an interpolation cannot be read → write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+alternative}; $${ is a plain ${',
    ],
  },
  {
    title: 'a variable and its file',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD:-}" } }'].join('\n'),
    env: { DB_PASSWORD: 'hunter22', DB_PASSWORD_FILE: '/x' },
    told: [
      'config/manifest.yaml:2:35 E_ENV_CONFLICT plugins.database.config.password: both DB_PASSWORD and DB_PASSWORD_FILE are set in the environment → unset one of them',
    ],
  },
  {
    title: 'a file that is not there',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD:-}" } }'].join('\n'),
    env: { DB_PASSWORD_FILE: 'secrets/none' },
    told: [
      'config/manifest.yaml:2:35 E_SECRET_FILE plugins.database.config.password: the file named by DB_PASSWORD_FILE cannot be read (ENOENT) → correct DB_PASSWORD_FILE, or set DB_PASSWORD instead',
    ],
  },
  {
    title: 'a file that is a folder',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD:-}" } }'].join('\n'),
    env: { DB_PASSWORD_FILE: 'config' },
    told: [
      'config/manifest.yaml:2:35 E_SECRET_FILE plugins.database.config.password: the file named by DB_PASSWORD_FILE cannot be read (EISDIR) → correct DB_PASSWORD_FILE, or set DB_PASSWORD instead',
    ],
  },
  {
    title: 'a file that is empty',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD:-}" } }'].join('\n'),
    env: { DB_PASSWORD_FILE: 'empty' },
    files: { empty: [''].join('\n') },
    told: [
      'config/manifest.yaml:2:35 E_SECRET_FILE plugins.database.config.password: the file named by DB_PASSWORD_FILE is empty → correct DB_PASSWORD_FILE, or set DB_PASSWORD instead',
    ],
  },
  {
    title: 'a variable of .env that does not fit',
    yaml: ['plugins:', '  database: { config: { port: "${DB_PORT}" } }'].join('\n'),
    files: { '.env': 'DB_PORT=many' },
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be a number, but this is text (value from DB_PORT in .env)',
    ],
  },
]
