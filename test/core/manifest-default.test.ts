import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'

import { factsOf, type JsonSchema } from '../../core/facts.ts'
import { manifestSchema } from '../../core/manifest/json-schema.ts'
import { FaultsError } from '../../core/manifest/faults.ts'
import { readManifest } from '../../core/manifest/read.ts'
import {
  configurationPage,
  environmentExample,
  variablesOf,
} from '../../core/manifest/reference.ts'
import { keyMeta, secretRule, visit } from '../../core/manifest/schema-walk.ts'
import { serverSchema } from '../../core/manifest/server-config.ts'
import { packageRoot } from '../../core/package-root.ts'
import { plan } from '../../core/plan.ts'
import { builtInSources } from '../../core/sources.ts'
import { inFolder, type Environment } from './manifest-fixture.ts'

const file = (name: string) => readFileSync(new URL(name, packageRoot()), 'utf8')
const sources = builtInSources()
const facts = [...sources.values()].map((source) => source.facts)
const yaml = file('config/manifest.yaml')

const onBareMachine = (env: Environment, files = {}) =>
  inFolder(files, (cwd) => plan(readManifest({ cwd, env }), sources))

/** The seed's own, to the letter. */
const seed = `DB_HOST=localhost
DB_NAME=autodocops
DB_USERNAME=postgres
DB_PASSWORD=postgres
REDIS_URL=localhost:6379
JWT_SECRET_KEY=your_jwt_secret_key_here_minimum_32_characters_long
OPENAI_API_KEY=your_openai_api_key_here
OPENAI_API_BASE=
USE_FAKE_LLM=true
STRIPE_API_KEY=sk_test_your_stripe_key_here
STRIPE_WEBHOOK_SECRET=whsec_your_webhook_secret_here
`

const random = 'Zk3vT9qLw1Xc8RyB5nHs2Jd7GfPm4Ka6'

test('with nothing set, every plugin but redis runs, and nothing is amiss', async () => {
  const { plugins, warnings, disabled } = await onBareMachine({})

  assert.equal(warnings, [])
  assert.equal(
    disabled.map(({ name }) => name),
    ['redis'],
  )
  assert.is(plugins.length, facts.length - 1)
  assert.equal(
    plugins
      .filter(({ generates }) => generates.length > 0)
      .map(({ name }) => name)
      .toSorted(),
    ['auth', 'sessions'],
  )
})

test('the seed’s .env runs as it is: Postgres and Redis, its samples count as not set', async () => {
  const { plugins, warnings } = await onBareMachine({}, { '.env': seed })
  const config = (name: string) => plugins.find((one) => one.name === name)?.config as object

  assert.is((config('database') as { host: string }).host, 'localhost')
  assert.ok('url' in config('redis'))
  assert.not('apiKey' in config('billing'))
  assert.equal(new Set(warnings.map(({ code }) => code)), new Set(['E_SAMPLE_SECRET']))
  assert.equal(
    warnings.map(({ path }) => path),
    [
      'plugins.auth.config.secret',
      'plugins.billing.config.apiKey',
      'plugins.billing.config.webhookSecret',
      'plugins.llm-chat.config.apiKey',
    ],
  )
})

test('production refuses the seed’s samples, and names the secrets that it needs', async () => {
  const told = async (files: object): Promise<readonly string[]> => {
    const refused: unknown = await onBareMachine({ NODE_ENV: 'production' }, files).catch(
      (e: unknown) => e,
    )
    if (!(refused instanceof FaultsError)) throw new Error('it was not refused')
    return refused.faults.map(({ code, path }) => `${code} ${path}`)
  }

  assert.equal(await told({}), [
    'E_SECRET_MISSING plugins.sessions.config.secret',
    'E_SECRET_MISSING plugins.auth.config.secret',
  ])
  assert.equal(
    (await told({ '.env': seed })).filter((line) => line.startsWith('E_SAMPLE')).length,
    4,
  )
})

test('production with its secrets runs without the docs', async () => {
  const env = { NODE_ENV: 'production', JWT_SECRET_KEY: random, SESSION_SECRET: random }
  const { plugins, warnings } = await onBareMachine(env)

  assert.equal(warnings, [])
  assert.not(plugins.some(({ name }) => name === 'docs'))
})

const byPath = ([a]: readonly [string, string], [b]: readonly [string, string]) => (a < b ? -1 : 1)

function variablesOfSchema(
  schema: JsonSchema,
  path: string,
): readonly (readonly [string, string])[] {
  const own = schema['x-env'] === undefined ? [] : [[path, schema['x-env']] as const]
  const below = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)
  return [...own, ...below.flatMap(([key, child]) => variablesOfSchema(child, `${path}.${key}`))]
}

test('a variable stands in the default manifest where the config says, and nowhere else', () => {
  const inSchemas = facts.flatMap(({ name, config }) =>
    variablesOfSchema(config, `plugins.${name}.config`),
  )
  const inManifest = [...variablesOf(yaml)].filter(([path]) => path.startsWith('plugins.'))
  const beside = ['plugins.redis.enabled', 'plugins.billing.config.plans.pro.prices[0]']

  assert.ok(inSchemas.length > 15)
  assert.equal(
    new Map(inManifest.filter(([path]) => !beside.includes(path)).toSorted(byPath)),
    new Map(inSchemas.toSorted(byPath)),
  )
})

for (const [name, source] of sources) {
  test(`plugins/index.json says of ${name} what its code says`, async () => {
    const code: unknown = JSON.parse(JSON.stringify(factsOf(await source.load())))

    assert.equal(source.facts, code)
  })

  test(`config.ts of ${name} holds the very schema of the plugin`, async () => {
    assert.is(await source.loadConfig(), (await source.load()).config)
  })
}

test('plugins/index.json knows every plugin of this package', () => {
  const folder = fileURLToPath(new URL('plugins/', packageRoot()))
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )

  assert.equal(
    facts.map(({ name }) => name),
    folders.map(({ name }) => name).toSorted(),
  )
})

const generated: Readonly<Record<string, () => string>> = {
  'config/manifest.schema.json': () => `${JSON.stringify(manifestSchema(facts), null, 2)}\n`,
  'docs/configuration.md': () => configurationPage(facts, yaml),
  '.env.example': () => environmentExample(facts, yaml),
}

for (const [name, make] of Object.entries(generated)) {
  test(`${name} is what npm run generate writes`, () => {
    assert.ok(existsSync(new URL(name, packageRoot())))
    assert.is(file(name), make())
  })
}

test('.env.example changes nothing when it is copied to .env', async () => {
  const [bare, copied] = await Promise.all([
    onBareMachine({}),
    onBareMachine({}, { '.env': file('.env.example') }),
  ])

  assert.is(copied.hash, bare.hash)
})

test('.env.example tells the least length of every secret that has one', async () => {
  const schemas = await Promise.all([...sources.values()].map(({ loadConfig }) => loadConfig()))
  const lengths = [serverSchema, ...schemas].flatMap((schema) =>
    [...visit(schema, {})].flatMap((seen) => {
      const { env } = keyMeta(seen.schema)
      const least = secretRule(seen.schema)?.minBytes
      // The secret before this one had to have it as well.
      return env === undefined || least === undefined || env.endsWith('_PREVIOUS')
        ? []
        : [{ env, least }]
    }),
  )
  const told = (env: string) => file('.env.example').split(`\n#${env}=`)[0]?.split('\n').at(-1)

  assert.equal(lengths.map(({ env }) => env).toSorted(), [
    'JWT_SECRET_KEY',
    'OPERATIONS_TOKEN',
    'SESSION_SECRET',
  ])
  for (const { env, least } of lengths)
    assert.match(told(env) ?? '', `t least ${least} random bytes`)
})

const validator = () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  return ajv.compile(JSON.parse(file('config/manifest.schema.json')) as object)
}

test('an editor takes the manifests as they are, every interpolation included', () => {
  const validate = validator()
  const names = ['config/manifest.yaml', 'config/manifest.production.yaml']
  for (const name of names) assert.ok(validate(parse(file(name))), JSON.stringify(validate.errors))
})

test('an editor takes an interpolation wherever a value may be, and no wrong value', () => {
  const validate = validator()
  const taken = [
    { server: { port: '${PORT}' } },
    { server: { drain: '${DRAIN:-5s}', limits: { inFlight: '${N}' } } },
    { plugins: { cache: '${CACHE}', docs: false, redis: { enabled: '${R:+true}' } } },
    { plugins: { slack: { from: 'npm:@acme/slack', config: { anything: 1 } } } },
  ]
  const refused = [
    { server: { port: 'many' } },
    { server: { drain: 20 } },
    { sever: {} },
    { plugins: { database: { config: { prot: 1 } } } },
    { plugins: { database: { enable: true } } },
    { plugins: { slack: { config: {} } } },
    { log: { level: 'loud' } },
  ]

  assert.equal(
    taken.filter((manifest) => !validate(manifest)),
    [],
  )
  assert.equal(
    refused.filter((manifest) => validate(manifest)),
    [],
  )
})

test.run()
