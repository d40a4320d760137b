import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../core/cli/config.ts'
import { main } from '../../core/cli/main.ts'
import { planVerb } from '../../core/cli/plan.ts'
import { plugins } from '../../core/cli/plugins.ts'
import { schema } from '../../core/cli/schema.ts'
import { version } from '../../core/cli/version.ts'
import { run as start } from '../harness/process.ts'
import { run } from './cli-fixture.ts'
import { inFolder } from './manifest-fixture.ts'

const small =
  'plugins:\n  database: { config: { password: "${DB_PASSWORD:-}", port: "${DB_PORT:-}" } }\n  metrics: { critical: false }\n'
const secret = 'correct-horse-battery'

test('plan shows the order, what stands on what, and what is off', async () => {
  const { code, out } = await run(planVerb, {}, { yaml: `${small}  projects: true\n` })
  const lines = out.split('\n')

  assert.is(code, 0)
  assert.match(
    lines[0] ?? '',
    /^Plan [0-9a-f]{16}: 3 plugins; 127\.0\.0\.1:8080 \(this machine only\), operations on 127\.0\.0\.1:9464$/,
  )
  assert.match(lines[1] ?? '', /^ {2}0 {2}database {2}[0-9a-f]{16}$/)
  assert.match(lines[2] ?? '', /^ {2}0 {2}metrics {3}[0-9a-f]{16} {2}may fail$/)
  assert.match(lines[3] ?? '', /^ {2}1 {2}projects {2}[0-9a-f]{16} {2}after database$/)
  assert.match(lines[4] ?? '', /^ {2}off: .*redis/)
})

test('plan --json tells the same, without secrets', async () => {
  const env = { DB_PASSWORD: secret }
  const { out } = await run(planVerb, {}, { yaml: small, env, json: true })
  const told = JSON.parse(out) as {
    hash: string
    plugins: readonly { name: string; needs: unknown }[]
  }

  assert.equal(
    told.plugins.map(({ name }) => name),
    ['database', 'metrics'],
  )
  assert.not.match(out, secret)
})

/** A server that runs on the folder's data, as `start` leaves word of it. */
async function besideServer(
  preview: object,
  use: (files: Record<string, string>) => Promise<void>,
) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`)
    response.end(JSON.stringify(preview))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const word = { pid: process.pid, operations: `http://127.0.0.1:${port}` }
  try {
    await use({ 'data/server.json': JSON.stringify(word) })
    assert.equal(asked, [`/admin/plan Bearer ${token}`])
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

const token = 'a-token-of-at-least-32-bytes-for-operations'

test('plan tells what a reload of the running server would start, keep, retire and lose', async () => {
  const lost = [{ plugin: 'cache', state: '12 entries in memory' }]
  const preview = {
    hash: 'x',
    start: ['cache'],
    keep: ['metrics'],
    retire: ['cache', 'docs'],
    lost,
  }
  await besideServer(preview, async (files) => {
    const yaml = `server: { operationsToken: "\${T}" }\n${small}`
    const { out } = await run(planVerb, {}, { yaml, env: { T: token }, files })

    assert.match(
      out,
      'A reload of the running server would\n  start   cache\n  keep    metrics\n  retire  cache, docs\n  lose    cache: 12 entries in memory',
    )
  })
})

test('plan lives with a server that is gone', async () => {
  const files = {
    'data/server.json': JSON.stringify({ pid: process.pid, operations: 'http://127.0.0.1:9' }),
  }
  const { code, out, err } = await run(planVerb, {}, { yaml: small, files })

  assert.is(code, 0)
  assert.match(out, /^Plan /)
  assert.match(err, /does not answer on http:\/\/127\.0\.0\.1:9/)
})

test('every verb that plans ends with 78 on a fault, and tells it as JSON too', async () => {
  for (const verb of [planVerb, plugins, config]) {
    const asText = await run(verb, {}, { yaml: 'plugins: { cahce: true }' })
    const asJson = await run(verb, {}, { yaml: 'plugins: { cahce: true }', json: true })

    assert.is(asText.code, 78)
    assert.match(asText.err, /1:12 E_PLUGIN_UNKNOWN plugins\.cahce/)
    assert.is(asJson.code, 78)
    assert.is((JSON.parse(asJson.out) as { faults: readonly unknown[] }).faults.length, 1)
  }
})

/** As typed, in a folder. */
async function words(argv: readonly string[], cwd: string) {
  const said: string[] = []
  const err = (line: string) => void said.push(line)
  return { code: await main(argv, { cwd, env: {}, out: err, err }), err: said.join('\n') }
}

test('reload tells every fault of a manifest whose server block has some, as check does', async () => {
  const yaml =
    'server: { port: 99999999, drain: 5 }\nlog: { level: loud }\nplugins: { cahce: true }\n'
  const [reload, check] = await inFolder({ 'config/manifest.yaml': yaml }, async (cwd) => [
    await words(['reload'], cwd),
    await words(['check'], cwd),
  ])

  assert.is(reload.code, 78)
  assert.is(reload.err.match(/ E_[A-Z_]+ /g)?.length, 4)
  assert.is(`${reload.err}\n\n4 faults; nothing was started.`, check.err)
})

test('a start that fails tells its cause once', async () => {
  const taken = createServer()
  await once(taken.listen(0, '127.0.0.1'), 'listening')
  const { port } = taken.address() as AddressInfo
  const manifest = `server: { port: ${port}, operations: '127.0.0.1:0', dataDir: '\${DATA_DIR}' }`
  const { code, stderr } = await start(['start'], { manifest })
  taken.close()

  assert.is(code, 1)
  assert.match(stderr, `listen_failed: cannot listen on 127.0.0.1:${port}: `)
  assert.match(stderr, 'hint: Stop what uses it')
  assert.is(stderr.split(/in use/i).length, 2, stderr)
})

test('plugins lists what is on, then what is off', async () => {
  const { out } = await run(plugins, {}, { yaml: small })
  const [list = '', hint = ''] = out.split('\n\n')
  const lines = list.split('\n')

  assert.match(hint, 'autodocops plugins --help')
  assert.match(lines[0] ?? '', /^on {3}database +1\.0\.0 {2}\S/)
  assert.match(lines[1] ?? '', /^on {3}metrics/)
  assert.ok(lines.slice(2).every((line) => line.startsWith('off  ')))
})

test('plugins tells all of one, also when it is off, and knows no other', async () => {
  const one = await run(plugins, { 'enable|disable': 'redis' }, { yaml: small })
  const none = await run(plugins, { 'enable|disable': 'radis' }, { yaml: small })

  assert.match(one.out, /^redis \d+\.\d+\.\d+ \(off\): /)
  assert.match(one.out, / {2}environment\n {4}REDIS_URL/)
  assert.is(none.code, 1)
})

test('plugins --facts prints what the code says, whatever its package.json says by now', async () => {
  const stale = {
    name: 'reports',
    version: '0.9.0',
    core: '^1',
    plugin: './main.js',
    routes: ['GET /x'],
  }
  const code = `
    import { definePlugin } from '${import.meta.resolve('autodocops')}'
    import * as z from '${import.meta.resolve('zod')}'
    export default definePlugin({ name: 'reports', version: '1.0.0', core: '^1', summary: 's',
      config: z.strictObject({}), examples: { config: { valid: [{}], invalid: [] } } })`
  const files = {
    'reports/package.json': JSON.stringify({ type: 'module', autodocops: stale }),
    'reports/main.js': code,
    'bare/package.json': JSON.stringify({ type: 'module' }),
    'bare/index.js': code,
  }
  const [told, bare] = [
    await run(plugins, { facts: 'reports' }, { files }),
    await run(plugins, { facts: './bare' }, { files }),
  ].map(({ out }) => JSON.parse(out) as Record<string, unknown>)

  assert.is(told?.['version'], '1.0.0')
  assert.equal(told?.['routes'], [])
  assert.is(told?.['plugin'], './main.js')
  assert.is(bare?.['plugin'], './index.js')
})

test('config shows what would run, secrets redacted', async () => {
  const env = { DB_PASSWORD: secret, DB_PORT: '6000' }
  const { out } = await run(config, {}, { yaml: small, env })
  const told = JSON.parse(out) as { plugins: { database: { password: string; port: number } } }

  assert.is(told.plugins.database.password, '[redacted]')
  assert.is(told.plugins.database.port, 6000)
})

const explained = async (path: string, env = {}) =>
  (await run(config, { explain: path }, { yaml: small, env })).out.split('\n')

test('config --explain tells value, origin, place, default, variable and meaning', async () => {
  assert.equal(await explained('plugins.database.config.port', { DB_PORT: '6000' }), [
    'plugins.database.config.port',
    '  value       6000',
    '  from        env DB_PORT',
    '  written     config/manifest.yaml:2:61',
    '  default     5432',
    '  environment DB_PORT',
    '  meaning     Port of the Postgres server.',
  ])
})

test('config --explain says what is not set, and what it is by default', async () => {
  const lines = await explained('server.drain')

  assert.equal(lines.slice(0, 3), ['server.drain', '  value       not set', '  default     20s'])
})

test('config --explain shows no secret, at its own path or above it', async () => {
  const env = { DB_PASSWORD: secret }
  for (const path of ['password', ''].map((key) => `plugins.database.config${key && `.${key}`}`)) {
    const told = (await explained(path, env)).join('\n')

    assert.match(told, /\[redacted\]/)
    assert.not.match(told, secret)
  }
})

test('config --explain of a path that is none ends with 1 and knows a better one', async () => {
  const { code, out } = await run(
    config,
    { explain: 'plugins.database.config.prot' },
    { yaml: small },
  )

  assert.is(code, 1)
  assert.match(out, /no such option\n {2}hint {8}did you mean 'port'\?/)
})

test('config --explain lives with a manifest that is broken elsewhere', async () => {
  const { code, out } = await run(
    config,
    { explain: 'server.port' },
    { yaml: 'server: { port: 1, x: 2 }' },
  )

  assert.is(code, 0)
  assert.match(out, /value {7}1\n/)
})

test('schema prints the schema of a manifest, or of one plugin', async () => {
  const whole = JSON.parse((await run(schema)).out) as { properties: object }
  const one = JSON.parse((await run(schema, { plugin: 'database' })).out) as { properties: object }

  assert.equal(Object.keys(whole.properties), ['$schema', 'server', 'log', 'plugins'])
  assert.ok('password' in one.properties)
  assert.is((await run(schema, { plugin: 'zebra' })).code, 1)
})

test('schema and config --explain know a plugin from outside', async () => {
  const property = { type: 'string', default: 'day', description: 'How often.' }
  const facts = {
    name: 'reports',
    version: '1.0.0',
    core: '^1',
    config: { properties: { every: property } },
  }
  const files = { 'config/reports/package.json': JSON.stringify({ autodocops: facts }) }
  const yaml = 'plugins: { reports: { from: ./reports } }'
  const whole = await run(schema, {}, { yaml, files })
  const told = await run(config, { explain: 'plugins.reports.config.every' }, { yaml, files })

  assert.match(whole.out, /"reports": \{\n/)
  assert.match(told.out, / {2}default {5}day\n {2}meaning {5}How often\./)
})

test('version names this package and the runtime', async () => {
  assert.match((await run(version)).out, /^autodocops 1\.0\.0 \((node|deno) \d+\./)
  assert.equal(Object.keys(JSON.parse((await run(version, {}, { json: true })).out) as object), [
    'autodocops',
    'runtime',
    'platform',
  ])
})

test('every verb says what it is for, with examples that name it', () => {
  for (const [name, verb] of Object.entries({ plan: planVerb, plugins, config, schema, version })) {
    assert.ok(verb.summary.length > 10)
    assert.ok(
      verb.examples.length > 0 &&
        verb.examples.every((line) => line.includes(`autodocops ${name}`)),
    )
  }
})

test.run()
