import type { Broken } from './manifest-fixture.ts'

/** What a schema refuses. Each with all that is printed of it. */
export const values: readonly Broken[] = [
  {
    title: 'a misspelt option',
    yaml: ['plugins:', '  cache: { config: { tll: 20m } }'].join('\n'),
    told: [
      "config/manifest.yaml:2:22 E_CONFIG plugins.cache.config.tll: unknown option 'tll' → did you mean 'ttl'?",
    ],
  },
  {
    title: 'an option that nobody knows',
    yaml: ['plugins:', '  cache: { config: { zebra: 1 } }'].join('\n'),
    told: [
      "config/manifest.yaml:2:22 E_CONFIG plugins.cache.config.zebra: unknown option 'zebra' → known: ttl, share, compress, tags, url, code, pattern, even, old, peer",
    ],
  },
  {
    title: 'a misspelt option, nested',
    yaml: ['plugins:', '  database: { config: { pool: { mx: 1 } } }'].join('\n'),
    told: [
      "config/manifest.yaml:2:33 E_CONFIG plugins.database.config.pool.mx: unknown option 'mx' → did you mean 'max'?",
    ],
  },
  {
    title: 'text where a number belongs',
    yaml: ['plugins:', '  database: { config: { port: many } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be a number, but this is text',
    ],
  },
  {
    title: 'a number in quotes',
    yaml: ['plugins:', '  database: { config: { port: "5432" } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be a number, but this is text → write it without quotes',
    ],
  },
  {
    title: 'a number that is too large',
    yaml: ['plugins:', '  database: { config: { port: 70000 } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be at most 65535',
    ],
  },
  {
    title: 'a number that is too small',
    yaml: ['plugins:', '  database: { config: { pool: { max: 0 } } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:38 E_CONFIG plugins.database.config.pool.max: must be at least 1',
    ],
  },
  {
    title: 'a fraction where a whole number belongs',
    yaml: ['plugins:', '  database: { config: { port: 1.5 } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be a whole number, but this is a fraction',
    ],
  },
  {
    title: 'a number from the environment that is none',
    yaml: ['plugins:', '  database: { config: { port: "${DB_PORT}" } }'].join('\n'),
    env: { DB_PORT: '54e' },
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be a number, but this is text (value from env DB_PORT)',
    ],
  },
  {
    title: 'a number from the environment that is too large',
    yaml: ['plugins:', '  database: { config: { port: "${DB_PORT}" } }'].join('\n'),
    env: { DB_PORT: '70000' },
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be at most 65535 (value from env DB_PORT)',
    ],
  },
  {
    title: 'a boolean in quotes',
    yaml: ['plugins:', '  cache: { config: { compress: "true" } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:32 E_CONFIG plugins.cache.config.compress: must be true or false, but this is text → write it without quotes',
    ],
  },
  {
    title: 'a boolean from the environment that is none',
    yaml: ['plugins:', '  cache: { config: { compress: "${Z}" } }'].join('\n'),
    env: { Z: 'sometimes' },
    told: [
      'config/manifest.yaml:2:32 E_CONFIG plugins.cache.config.compress: must be true or false, but this is text (value from env Z)',
    ],
  },
  {
    title: 'a choice that is none',
    yaml: ['plugins:', '  database: { config: { mode: nevr } }'].join('\n'),
    told: [
      "config/manifest.yaml:2:31 E_CONFIG plugins.database.config.mode: must be one of: auto, never → did you mean 'never'?",
    ],
  },
  {
    title: 'a duration without a unit',
    yaml: ['plugins:', '  cache: { config: { ttl: 20 } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:27 E_CONFIG plugins.cache.config.ttl: must be text with a unit, such as 20s',
    ],
  },
  {
    title: 'a duration with a unit that is none',
    yaml: ['plugins:', '  cache: { config: { ttl: 20min } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:27 E_CONFIG plugins.cache.config.ttl: must be a whole number with a unit (ms, s, m, h, d), such as 20s',
    ],
  },
  {
    title: 'a duration from the environment',
    yaml: ['plugins:', '  cache: { config: { ttl: "${TTL}" } }'].join('\n'),
    env: { TTL: '20 minutes' },
    told: [
      'config/manifest.yaml:2:27 E_CONFIG plugins.cache.config.ttl: must be a whole number with a unit (ms, s, m, h, d), such as 20s (value from env TTL)',
    ],
  },
  {
    title: 'a share that is all',
    yaml: ['plugins:', '  cache: { config: { share: 1 } }'].join('\n'),
    told: ['config/manifest.yaml:2:29 E_CONFIG plugins.cache.config.share: must be less than 1'],
  },
  {
    title: 'text where a list belongs',
    yaml: ['plugins:', '  cache: { config: { tags: a } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:28 E_CONFIG plugins.cache.config.tags: must be a list, but this is text',
    ],
  },
  {
    title: 'a list with a number',
    yaml: ['plugins:', '  cache: { config: { tags: [a, 2] } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:32 E_CONFIG plugins.cache.config.tags[1]: must be text, but this is a number',
    ],
  },
  {
    title: 'a list that is too long',
    yaml: ['plugins:', '  cache: { config: { tags: [a, b, c, d] } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:22 E_CONFIG plugins.cache.config.tags: must have at most 3 entries',
    ],
  },
  {
    title: 'a list where a map belongs',
    yaml: ['plugins:', '  database: { config: { pool: [] } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:25 E_CONFIG plugins.database.config.pool: must be a map of keys, but this is a list',
    ],
  },
  {
    title: 'a URL that is none',
    yaml: ['plugins:', '  cache: { config: { url: nowhere } }'].join('\n'),
    told: ['config/manifest.yaml:2:27 E_CONFIG plugins.cache.config.url: must be a URL'],
  },
  {
    title: 'text with another beginning',
    yaml: ['plugins:', '  cache: { config: { code: x-1 } }'].join('\n'),
    told: ['config/manifest.yaml:2:28 E_CONFIG plugins.cache.config.code: must start with c-'],
  },
  {
    title: 'text with another form',
    yaml: ['plugins:', '  cache: { config: { pattern: ABC } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.cache.config.pattern: must match /^[a-z]+$/',
    ],
  },
  {
    title: 'a number that is odd',
    yaml: ['plugins:', '  cache: { config: { even: 3 } }'].join('\n'),
    told: ['config/manifest.yaml:2:28 E_CONFIG plugins.cache.config.even: must be a multiple of 2'],
  },
  {
    title: 'an empty value',
    yaml: ['plugins:', '  database:', '    config:', '      host:'].join('\n'),
    told: [
      'config/manifest.yaml:4:7 E_CONFIG plugins.database.config.host: must be text, but this is empty → remove the key, or give it a value',
    ],
  },
  {
    title: 'an empty text',
    yaml: ['plugins:', '  database: { config: { host: "" } }'].join('\n'),
    told: ['config/manifest.yaml:2:31 E_CONFIG plugins.database.config.host: must not be empty'],
  },
  {
    title: 'one form of a union, with a slip',
    yaml: ['plugins:', '  cache: { config: { peer: { host: a, prt: 1, port: b } } }'].join('\n'),
    told: [
      "config/manifest.yaml:2:39 E_CONFIG plugins.cache.config.peer.prt: unknown option 'prt' → did you mean 'port'?",
      'config/manifest.yaml:2:53 E_CONFIG plugins.cache.config.peer.port: must be a number, but this is text',
    ],
  },
  {
    title: 'no form of a union',
    yaml: ['plugins:', '  cache: { config: { peer: yes } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:28 E_CONFIG plugins.cache.config.peer: must be false, or must be a map of keys, but this is text',
    ],
  },
  {
    title: 'a map by name, deep',
    yaml: ['plugins:', '  billing: { config: { plans: { pro: { prices: [1], limit: x } } } }'].join(
      '\n',
    ),
    told: [
      "config/manifest.yaml:2:3 E_SERVICE_MISSING plugins.billing: 'billing' requires the service 'db', which no enabled plugin provides → enable one of: database",
      'config/manifest.yaml:2:49 E_CONFIG plugins.billing.config.plans.pro.prices[0]: must be text, but this is a number',
      'config/manifest.yaml:2:60 E_CONFIG plugins.billing.config.plans.pro.limit: must be a number, but this is text',
    ],
  },
  {
    title: 'a required option that is not there',
    yaml: ['plugins:', '  strict: { config: { token: "${T}" } }'].join('\n'),
    env: { T: 'abcdefgh' },
    told: [
      'config/manifest.yaml:2:13 E_CONFIG plugins.strict.config.name: is required → set STRICT_NAME, or write plugins.strict.config.name',
    ],
  },
  {
    title: 'a required secret that is not there',
    yaml: ['plugins:', '  strict: { config: { name: a } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:13 E_SECRET_MISSING plugins.strict.config.token: is required → set STRICT_TOKEN, or write plugins.strict.config.token',
    ],
  },
  {
    title: 'a rule between two options',
    yaml: ['plugins:', '  database: true', '  billing: { config: { key: "${PAY_KEY}" } }'].join(
      '\n',
    ),
    env: { PAY_KEY: 'sk_live_abcdefgh' },
    told: [
      'config/manifest.yaml:3:14 E_SECRET_MISSING plugins.billing.config.hook: is needed beside key → write plugins.billing.config.hook',
    ],
  },
  {
    title: 'a deprecated option',
    yaml: ['plugins:', '  cache: { config: { old: 1 } }'].join('\n'),
    told: [
      "config/manifest.yaml:2:22 warning E_DEPRECATED plugins.cache.config.old: is deprecated and will be refused by 2.0.0 → use 'ttl' instead",
    ],
  },
]
