import type { Broken } from './manifest-fixture.ts'

/** Secrets, what plugins need of each other, the server, all at once. Each with all that is printed of it. */
export const rules: readonly Broken[] = [
  {
    title: 'a secret in the file',
    yaml: ['plugins:', '  database: { config: { password: hunter22 } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:35 warning E_SECRET_INLINE plugins.database.config.password: a secret is written in the manifest → keep it in the environment or in a file: "${NAME}", with NAME or NAME_FILE set',
    ],
  },
  {
    title: 'a secret as the default of a variable',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD:-hunter22}" } }'].join(
      '\n',
    ),
    told: [
      'config/manifest.yaml:2:35 warning E_SECRET_INLINE plugins.database.config.password: a secret is written in the manifest (value from the manifest, the default of DB_PASSWORD) → keep it in the environment or in a file: "${NAME}", with NAME or NAME_FILE set',
    ],
  },
  {
    title: 'a secret that is too short',
    yaml: ['plugins:', '  database: true', '  billing: { config: { hook: "${HOOK}" } }'].join('\n'),
    env: { HOOK: 'short-one' },
    told: [
      'config/manifest.yaml:3:30 E_CONFIG plugins.billing.config.hook: must have at least 16 bytes (value from env HOOK)',
    ],
  },
  {
    title: 'a sample secret in development',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD}" } }'].join('\n'),
    env: { DB_PASSWORD: 'your_password_here' },
    told: [
      'config/manifest.yaml:2:35 warning E_SAMPLE_SECRET plugins.database.config.password: is a sample value, which everybody knows (value from env DB_PASSWORD) → counts as not set; production refuses it',
    ],
  },
  {
    title: 'a sample secret in production',
    yaml: ['plugins:', '  database: { config: { password: "${DB_PASSWORD}" } }'].join('\n'),
    env: { DB_PASSWORD: 'your_password_here', NODE_ENV: 'production' },
    told: [
      'config/manifest.yaml:2:35 E_SAMPLE_SECRET plugins.database.config.password: is a sample value, which everybody knows (value from env DB_PASSWORD) → set a real one',
    ],
  },
  {
    title: 'a generated secret in production',
    yaml: ['plugins:', '  database: true', '  billing: true'].join('\n'),
    env: { NODE_ENV: 'production' },
    told: [
      'config/manifest.yaml:3:3 E_SECRET_MISSING plugins.billing.config.signing: is required in production → set PAY_SIGNING, or write plugins.billing.config.signing; make one: openssl rand -base64 48',
    ],
  },
  {
    title: 'a sample where production needs a secret',
    yaml: [
      'plugins:',
      '  database: true',
      '  billing: { config: { signing: "${PAY_SIGNING}" } }',
    ].join('\n'),
    env: {
      NODE_ENV: 'production',
      PAY_SIGNING: 'your_signing_key_here_minimum_32_characters_long',
    },
    told: [
      'config/manifest.yaml:3:33 E_SAMPLE_SECRET plugins.billing.config.signing: is a sample value, which everybody knows (value from env PAY_SIGNING) → set a real one',
    ],
  },
  {
    title: 'a secret as a number',
    yaml: ['plugins:', '  database: { config: { password: 12345 } }'].join('\n'),
    told: [
      'config/manifest.yaml:2:35 E_CONFIG plugins.database.config.password: must be text, but this is a number',
    ],
  },
  {
    title: 'a service that nobody provides',
    yaml: ['plugins:', '  billing: true'].join('\n'),
    told: [
      "config/manifest.yaml:2:3 E_SERVICE_MISSING plugins.billing: 'billing' requires the service 'db', which no enabled plugin provides → enable one of: database",
    ],
  },
  {
    title: 'a service whose provider is off',
    yaml: ['plugins:', '  database: false', '  billing: true'].join('\n'),
    told: [
      "config/manifest.yaml:3:3 E_SERVICE_MISSING plugins.billing: 'billing' requires the service 'db', which no enabled plugin provides → enable one of: database",
    ],
  },
  {
    title: 'two providers of one service',
    yaml: ['plugins:', '  cache: true', '  other-cache: true'].join('\n'),
    told: [
      "config/manifest.yaml:3:3 E_SERVICE_DUPLICATE plugins.other-cache: service 'cache' is provided by 'cache' already → switch one of them off: plugins.cache: false, or plugins.other-cache: false",
    ],
  },
  {
    title: 'migrations that nobody runs',
    yaml: ['plugins:', '  keeps: true'].join('\n'),
    told: [
      "config/manifest.yaml:2:3 E_SLOT_EMPTY plugins.keeps: 'keeps' has migrations, and no enabled plugin runs them → enable one of: database",
    ],
  },
  {
    title: 'two fillers of one slot',
    yaml: ['plugins:', '  limit-a: true', '  limit-b: true'].join('\n'),
    told: [
      "config/manifest.yaml:3:3 E_SLOT_DUPLICATE plugins.limit-b: the slot 'limiter' is filled by 'limit-a' already → switch one of them off: plugins.limit-a: false, or plugins.limit-b: false",
    ],
  },
  {
    title: 'a plugin that needs itself',
    yaml: ['plugins:', '  loop: true'].join('\n'),
    told: [
      'config/manifest.yaml:2:3 E_CYCLE plugins.loop: plugins need each other: loop → loop → switch one of them off',
    ],
  },
  {
    title: 'three plugins in a ring, and one on it',
    yaml: [
      'plugins:',
      '  ring-c: true',
      '  ring-b: true',
      '  ring-a: true',
      '  on-ring: true',
    ].join('\n'),
    told: [
      'config/manifest.yaml:4:3 E_CYCLE plugins.ring-a: plugins need each other: ring-a → ring-b → ring-c → ring-a → switch one of them off',
    ],
  },
  {
    title: 'two rings',
    yaml: ['plugins:', '  loop: true', '  ring-a: true', '  ring-b: true', '  ring-c: true'].join(
      '\n',
    ),
    told: [
      'config/manifest.yaml:2:3 E_CYCLE plugins.loop: plugins need each other: loop → loop → switch one of them off',
      'config/manifest.yaml:3:3 E_CYCLE plugins.ring-a: plugins need each other: ring-a → ring-b → ring-c → ring-a → switch one of them off',
    ],
  },
  {
    title: 'a route and a metric of two plugins',
    yaml: ['plugins:', '  database: true', '  projects: true', '  twin: true'].join('\n'),
    told: [
      "config/manifest.yaml:4:3 E_ROUTE_CLASH plugins.twin: route 'GET /projects/:name' is answered by 'projects' already → switch one of them off: plugins.twin: false",
      "config/manifest.yaml:4:3 E_METRIC_CLASH plugins.twin: metric 'reads_total' is counted by 'projects' already → switch one of them off: plugins.twin: false",
    ],
  },
  {
    title: 'a port that is none',
    yaml: 'server: { port: 99999 }',
    told: ['config/manifest.yaml:1:17 E_CONFIG server.port: must be at most 65535'],
  },
  {
    title: 'a port from the environment that is none',
    yaml: 'server: { port: "${PORT:-8080}" }',
    env: { PORT: 'http' },
    told: [
      'config/manifest.yaml:1:17 E_CONFIG server.port: must be a number, but this is text (value from env PORT)',
    ],
  },
  {
    title: 'an operations address without a port',
    yaml: 'server: { operations: 127.0.0.1 }',
    told: [
      'config/manifest.yaml:1:23 E_CONFIG server.operations: must be host:port, such as 127.0.0.1:9464',
    ],
  },
  {
    title: 'an operations address with a port that is none',
    yaml: 'server: { operations: "127.0.0.1:99999" }',
    told: ['config/manifest.yaml:1:23 E_CONFIG server.operations: must have a port up to 65535'],
  },
  {
    title: 'an operations address that others reach, without a token',
    yaml: 'server: { operations: "0.0.0.0:9464" }',
    told: [
      'config/manifest.yaml:1:1 E_SECRET_MISSING server.operationsToken: is required, since the operations listener can be reached from other machines → set OPERATIONS_TOKEN, or write server.operationsToken',
    ],
  },
  {
    title: 'an operations token that is too short',
    yaml: 'server: { operationsToken: "${OPERATIONS_TOKEN}" }',
    env: { OPERATIONS_TOKEN: 'tooshort' },
    told: [
      'config/manifest.yaml:1:28 E_CONFIG server.operationsToken: must have at least 32 bytes (value from env OPERATIONS_TOKEN)',
    ],
  },
  {
    title: 'an origin with a path',
    yaml: 'server: { origins: [https://app.example.com/x] }',
    told: [
      'config/manifest.yaml:1:21 E_CONFIG server.origins[0]: must be an origin without a path, such as https://app.example.com',
    ],
  },
  {
    title: 'a public URL of another kind',
    yaml: 'server: { publicUrl: "ftp://x" }',
    told: ['config/manifest.yaml:1:22 E_CONFIG server.publicUrl: must be an http or https URL'],
  },
  {
    title: 'a limit that nobody knows',
    yaml: 'server: { limits: { bodyByte: 1MiB } }',
    told: [
      "config/manifest.yaml:1:21 E_CONFIG server.limits.bodyByte: unknown option 'bodyByte' → did you mean 'bodyBytes'?",
    ],
  },
  {
    title: 'headers that may take longer than the request that they are a part of',
    yaml: 'server: { limits: { headersTimeout: 60s } }',
    told: [
      'config/manifest.yaml:1:37 E_CONFIG server.limits.headersTimeout: must not be longer than requestTimeout: headers are a part of the request',
    ],
  },
  {
    title: 'a request that may take less long than its headers may by default',
    yaml: 'server: { limits: { requestTimeout: 5s } }',
    told: [
      'config/manifest.yaml:1:11 E_CONFIG server.limits.headersTimeout: must not be longer than requestTimeout: headers are a part of the request → write server.limits.headersTimeout',
    ],
  },
  {
    title: 'deadlines that are looked at too seldom',
    yaml: 'server: { limits: { checkInterval: 1m } }',
    told: [
      'config/manifest.yaml:1:36 E_CONFIG server.limits.checkInterval: must not be longer than headersTimeout, or nobody looks in time',
    ],
  },
  {
    title: 'a deadline of nothing, which would be none',
    yaml: 'server: { limits: { keepAlive: 0ms, socketIdle: 0s, headerBytes: 0B } }',
    told: [
      'config/manifest.yaml:1:32 E_CONFIG server.limits.keepAlive: must be more than 0ms',
      'config/manifest.yaml:1:49 E_CONFIG server.limits.socketIdle: must be more than 0ms',
      'config/manifest.yaml:1:66 E_CONFIG server.limits.headerBytes: must be more than 0B',
    ],
  },
  {
    title: 'a time that no timer can wait for',
    yaml: 'server: { drain: 30d, limits: { requestTimeout: 25d } }',
    told: [
      'config/manifest.yaml:1:18 E_CONFIG server.drain: must be at most 24d',
      'config/manifest.yaml:1:49 E_CONFIG server.limits.requestTimeout: must be at most 24d',
    ],
  },
  {
    title: 'a log level that is none',
    yaml: 'log: { level: inof }',
    told: [
      "config/manifest.yaml:1:15 E_CONFIG log.level: must be one of: debug, info, warn, error, silent → did you mean 'info'?",
    ],
  },
  {
    title: 'log as text',
    yaml: 'log: debug',
    told: ['config/manifest.yaml:1:6 E_CONFIG log: must be a map of keys, but this is text'],
  },
  {
    title: 'faults everywhere, all in one run',
    yaml: [
      'server: { port: x }',
      'log: { levl: info }',
      'plugins:',
      '  cahce: true',
      '  database: { config: { port: y, hots: z } }',
      '  ring-a: true',
    ].join('\n'),
    told: [
      'config/manifest.yaml:1:17 E_CONFIG server.port: must be a number, but this is text',
      "config/manifest.yaml:2:8 E_CONFIG log.levl: unknown option 'levl' → did you mean 'level'?",
      "config/manifest.yaml:4:3 E_PLUGIN_UNKNOWN plugins.cahce: no plugin is named 'cahce' → did you mean 'cache'?",
      'config/manifest.yaml:5:31 E_CONFIG plugins.database.config.port: must be a number, but this is text',
      "config/manifest.yaml:5:34 E_CONFIG plugins.database.config.hots: unknown option 'hots' → did you mean 'host'?",
      "config/manifest.yaml:6:3 E_SERVICE_MISSING plugins.ring-a: 'ring-a' requires the service 'b', which no enabled plugin provides → enable one of: ring-b",
    ],
  },
  {
    title: 'a fault of the overlay names the overlay',
    yaml: ['plugins:', '  database: { config: { port: 1 } }'].join('\n'),
    env: { NODE_ENV: 'staging' },
    files: {
      'config/manifest.staging.yaml': [
        'plugins:',
        '  database:',
        '    config:',
        '      port: many',
      ].join('\n'),
    },
    told: [
      'config/manifest.staging.yaml:4:13 E_CONFIG plugins.database.config.port: must be a number, but this is text',
    ],
  },
  {
    title: 'a fault of the file below the overlay names the file',
    yaml: ['plugins:', '  database: { config: { port: many } }'].join('\n'),
    env: { NODE_ENV: 'staging' },
    files: { 'config/manifest.staging.yaml': ['plugins:', '  cache: true'].join('\n') },
    told: [
      'config/manifest.yaml:2:31 E_CONFIG plugins.database.config.port: must be a number, but this is text',
    ],
  },
]
