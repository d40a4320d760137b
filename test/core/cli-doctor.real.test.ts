/** `autodocops doctor` on set-ups that are really broken: each time it names the fault and the fix. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import type { Finding } from '../../core/plugin.ts'
import { adoptFolder } from '../harness/ending.ts'
import { sparePort } from '../harness/ports.ts'
import { postgres } from '../harness/postgres.ts'
import { run, startServer, type Ended, type ServerOptions } from '../harness/process.ts'
import { privateRedis } from '../harness/redis.ts'
import { isCompiled, isDeno, root } from '../harness/root.ts'

type Numbered = Finding & { readonly number: number }

interface Examined extends Ended {
  readonly findings: readonly Numbered[]
}

const folder = () => adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-doctor-')))

function read(ended: Ended): Examined {
  assert.ok(ended.stdout.startsWith('{'), `${ended.stdout}\n${ended.stderr}`)
  const { findings } = JSON.parse(ended.stdout) as { findings: readonly Numbered[] }
  return { ...ended, findings }
}

const examined = async (options: ServerOptions = {}): Promise<Examined> =>
  read(await run(['doctor', '--json'], options))

/** The one finding that says so; its verdict and its fix are the test's to look at. */
function about({ findings, stdout }: Examined, check: string, saw: RegExp): Numbered {
  const found = findings.find((one) => one.check === check && saw.test(one.saw))
  assert.ok(found, `nothing on '${check}' says ${saw}: ${stdout}`)
  return found ?? assert.unreachable()
}

const fixOf = (finding: Finding): string => ('fix' in finding ? finding.fix : '')
const strong = 'Zq3x9vLw7Tn2Rb8Kd5Mf1Hs6Jg4Pc0Ya-_Ue'
const production = {
  NODE_ENV: 'production',
  SESSION_SECRET: strong,
  JWT_SECRET_KEY: strong,
}

test('a healthy set-up has about 18 numbered findings, none failed, and ends with 0', async () => {
  const home = folder()
  const { code, findings, stdout, stderr } = await examined({ home })

  assert.is(code, 0, stdout + stderr)
  assert.ok(findings.length >= 18, stdout)
  assert.equal(
    findings.map(({ number }) => number),
    findings.map((_, index) => index + 1),
  )
  assert.not(findings.some(({ verdict }) => verdict === 'failed' || verdict === 'warning'))
  assert.not(existsSync(join(home, 'data')), 'it made something')
})

test('beside a running server it ends with 0, knows its ports, and sees its database and Redis', async () => {
  const redis = await privateRedis()
  const [port, operations] = [await sparePort(), await sparePort()]
  const env = {
    DATABASE_URL: (await postgres()).url,
    REDIS_URL: redis.url,
    PORT: String(port),
    OPERATIONS_ADDRESS: `127.0.0.1:${operations}`,
  }
  const server = await startServer({ env })
  const found = await examined({ env, home: server.home })
  await server.stop()

  assert.is(found.code, 0, found.stdout)
  assert.is(about(found, 'public port', /our running server has/).verdict, 'ok')
  assert.is(about(found, 'operations port', /our running server has/).verdict, 'ok')
  assert.is(about(found, 'running server', /\d+ plugins run$/).verdict, 'ok')
  assert.is(about(found, 'database', /^PostgreSQL \d+.* answers/).verdict, 'ok')
  assert.is(about(found, 'clock of the database', / s (behind|ahead of)/).verdict, 'ok')
  assert.is(about(found, 'migrations', /all are applied/).verdict, 'ok')
  assert.is(about(found, 'redis', /^Redis \d+.* answers/).verdict, 'ok')
  assert.is(about(found, 'memory of redis', /no key is evicted/).verdict, 'ok')
})

test('a port that somebody else has', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const found = await examined({ env: { PORT: String(port) } })
  other.close()
  const finding = about(found, 'public port', new RegExp(`127\\.0\\.0\\.1:${port} is taken`))

  assert.is(found.code, 1)
  assert.is(finding.verdict, 'failed')
  assert.match(fixOf(finding), new RegExp(`sport = :${port}.*PORT`))
})

test('a data folder that cannot be one', async () => {
  const home = folder()
  writeFileSync(join(home, 'data'), '')
  const found = await examined({ home })
  const finding = about(found, 'data folder', /data is a file, not a folder/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), 'DATA_DIR')
})

test('a database that is not there', async () => {
  const port = await sparePort()
  const env = { DATABASE_URL: `postgres://me:hidden-word@127.0.0.1:${port}/app` }
  const found = await examined({ env })
  const finding = about(found, 'database', /cannot be used: .*ECONNREFUSED/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /start that Postgres.*DATABASE_URL/)
  assert.not.match(found.stdout, 'hidden-word')
})

test('a database that does not exist on its server', async () => {
  const url = new URL((await postgres()).url)
  url.pathname = '/nowhere'
  const found = await examined({ env: { DATABASE_URL: url.href } })
  const finding = about(found, 'database', /"nowhere" does not exist/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /createdb.*DB_NAME/)
})

test('a Redis that is down', async () => {
  const found = await examined({ env: { REDIS_URL: `redis://127.0.0.1:${await sparePort()}` } })
  const finding = about(found, 'redis', /no connection: .*ECONNREFUSED/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /start that Redis.*REDIS_URL/)
})

test('a Redis that wants a password', async () => {
  const redis = await privateRedis(['--requirepass', 'hidden-word'])
  const found = await examined({ env: { REDIS_URL: redis.url.replace('//', '//:wrong-word@') } })
  const finding = about(found, 'redis', /WRONGPASS/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), /password in REDIS_URL/)
})

test('a Redis that may evict sessions', async () => {
  const redis = await privateRedis(['--maxmemory', '64mb', '--maxmemory-policy', 'allkeys-lru'])
  const found = await examined({ env: { REDIS_URL: redis.url } })
  const finding = about(found, 'memory of redis', /allkeys-lru/)

  assert.is(found.code, 0, 'a warning is no failure')
  assert.is(finding.verdict, 'warning')
  assert.match(fixOf(finding), /maxmemory-policy noeviction/)
})

test('a secret that is too short, and one that can be guessed, in production', async () => {
  const short = await examined({ env: { ...production, JWT_SECRET_KEY: 'short' } })
  const dull = await examined({ env: { ...production, SESSION_SECRET: 'ab'.repeat(20) } })
  const tooShort = about(short, 'manifest', /auth\.config\.secret: must have at least/)
  const guessable = about(dull, 'strength of secrets', /plugins\.sessions\.config\.secret/)

  assert.is(short.code, 78)
  assert.match(fixOf(tooShort), 'JWT_SECRET_KEY')
  assert.is(dull.code, 1)
  assert.match(fixOf(guessable), 'openssl rand')
})

test('a secret of an example, and one that nobody set, in production', async () => {
  const env = { NODE_ENV: 'production', SESSION_SECRET: 'your_session_secret_goes_in_here' }
  const found = await examined({ env })
  const sample = about(found, 'secrets', /E_SAMPLE_SECRET plugins\.sessions/)
  const missing = about(found, 'secrets', /E_SECRET_MISSING plugins\.auth/)

  assert.is(found.code, 78)
  assert.match(fixOf(sample), 'set SESSION_SECRET to a real one')
  assert.match(fixOf(missing), /JWT_SECRET_KEY.*openssl rand/)
})

test('production without a public URL, with a proxy that nobody trusts, with the documentation on', async () => {
  const none = await examined({ env: production })
  const manifest = `server: { publicUrl: 'https://api.example.com' }\nplugins: { docs: true }\n`
  const hidden = await examined({ env: production, manifest })

  assert.match(fixOf(about(none, 'public URL', /not set/)), 'PUBLIC_URL')
  assert.match(fixOf(about(hidden, 'trusted proxies', /0 trusted/)), 'server.trustedProxies: 1')
  assert.match(fixOf(about(hidden, 'documentation page', /on in production/)), 'disable docs')
})

test('a billing key without its secret, and a test key in production', async () => {
  const alone = await examined({ env: { STRIPE_API_KEY: 'sk_test_abcdef' } })
  const keys = { STRIPE_API_KEY: 'sk_test_abcdef', STRIPE_WEBHOOK_SECRET: 'whsec_abcdef' }
  const mixed = await examined({ env: { ...production, ...keys } })
  const without = about(alone, 'secrets', /billing\.config/)
  const mode = about(mixed, 'billing: mode of the key', /a test key in production/)

  assert.is(alone.code, 78)
  assert.match(`${without.saw} ${fixOf(without)}`, /webhookSecret|STRIPE_WEBHOOK_SECRET/)
  assert.is(mode.verdict, 'warning')
  assert.match(fixOf(mode), 'sk_live_')
  assert.is(about(mixed, 'billing: Stripe', /--online/).verdict, 'skipped')
})

test('a manifest that is no YAML: the machine is examined all the same', async () => {
  const found = await examined({ manifest: 'plugins: { cache: true\nserver: [' })
  const finding = about(found, 'manifest', /manifest\.yaml:\d+:\d+ E_SYNTAX/)

  assert.is(found.code, 78)
  assert.match(fixOf(finding), /manifest\.yaml/)
  assert.is(about(found, 'runtime', /node|deno/).verdict, 'ok')
  assert.is(about(found, 'server', /before its block/).verdict, 'skipped')
})

test('a plugin that nobody knows: ports and data are examined all the same', async () => {
  const found = await examined({ manifest: 'plugins: { cahce: true }' })
  const finding = about(found, 'manifest', /no plugin is named 'cahce'/)

  assert.is(found.code, 78)
  assert.match(fixOf(finding), "did you mean 'cache'")
  assert.is(about(found, 'public port', /free/).verdict, 'ok')
  assert.is(about(found, 'plugins', /before the manifest is mended/).verdict, 'skipped')
})

test('a variable that must be set', async () => {
  const manifest =
    "server: { publicUrl: '${SITE:?the address of the site}' }\nplugins: { cache: true }"
  const found = await examined({ manifest })
  const finding = about(found, 'manifest', /E_ENV_MISSING server\.publicUrl/)

  assert.is(found.code, 78)
  assert.match(`${finding.saw} ${fixOf(finding)}`, 'SITE')
})

test('pending migrations that nobody applies', async () => {
  const { url } = await postgres()
  const manifest = `plugins: { database: { config: { url: '${url}', migrate: never } }, projects: true }`
  const found = await examined({ manifest })
  const finding = about(found, 'migrations', /pending: projects\/0001/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), 'autodocops migrate up')
})

test('generated secrets that others can read', async () => {
  const home = folder()
  mkdirSync(join(home, 'data'))
  const file = join(home, 'data/secrets.json')
  writeFileSync(file, JSON.stringify({ root: strong }))
  chmodSync(file, 0o644)
  const found = await examined({ home })
  const finding = about(found, 'generated secrets', /mode 0644/)

  assert.is(found.code, 1)
  assert.match(fixOf(finding), `chmod 600 ${file}`)
})

const program = isCompiled
  ? [process.execPath, join(root, 'dist/core/cli/main.js')]
  : [
      process.execPath,
      ...(isDeno ? ['run', '-A'] : []),
      '--conditions=source',
      join(root, 'core/cli/main.ts'),
    ]

/** Above what the runtime itself has open. */
const fewFiles = 128

if (process.platform === 'linux') {
  test('a limit of open files that is too low', async () => {
    const { PATH = '', HOME = '', DENO_DIR } = process.env
    const command = `ulimit -n ${fewFiles}; exec "$@"`
    const env = {
      PATH,
      HOME,
      PORT: '0',
      OPERATIONS_ADDRESS: '127.0.0.1:0',
      ...(DENO_DIR && { DENO_DIR }),
    }
    const asked = ['-c', command, 'bash', ...program, 'doctor', '--json']
    const ended = await promisify(execFile)('bash', asked, { cwd: folder(), env }).catch(
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    )
    const found = read({ code: 0, ...ended })
    const finding = about(found, 'open files', new RegExp(`^${fewFiles} may be open`))

    assert.is(found.code, 1)
    assert.match(fixOf(finding), 'LimitNOFILE')
  })
}

test('a plugin that cannot be built is a finding, and the rest is examined', async () => {
  const home = folder()
  const broken = `export default { name: 'broken', version: '1.0.0', core: '^1', summary: '', requires: {},
    provides: {}, internal: {}, fills: {}, metrics: [], commands: {}, examples: { config: { valid: [], invalid: [] } },
    config: { safeParse: (data) => ({ success: true, data }), _zod: { def: { type: 'any' } } },
    services: { it: () => { throw new Error('cannot be built') } } }`
  mkdirSync(join(home, 'broken'))
  writeFileSync(join(home, 'broken/index.mjs'), broken)
  const found = await examined({
    home,
    manifest: 'plugins: { broken: { from: ./broken }, llm-chat: true }',
  })

  assert.is(about(found, 'plugin broken', /cannot be built/).verdict, 'failed')
  assert.is(about(found, 'model', /fake/).verdict, 'ok')
  assert.is(found.code, 1)
})

test('the code of a plugin that is off is not loaded', async () => {
  const home = folder()
  const facts = { name: 'off', version: '1.0.0', core: '^1' }
  const code = "import { writeFileSync } from 'node:fs'\nwriteFileSync('loaded', '')"
  mkdirSync(join(home, 'off'))
  writeFileSync(join(home, 'off/package.json'), JSON.stringify({ autodocops: facts }))
  writeFileSync(join(home, 'off/index.js'), code)
  writeFileSync(join(home, 'off/config.js'), code)
  const off = { home, manifest: 'plugins: { off: { from: ./off, enabled: false } }' }
  const on = { home, manifest: 'plugins: { off: { from: ./off } }' }

  assert.is((await examined(off)).code, 0)
  assert.not(existsSync(join(home, 'loaded')))
  assert.is.not((await examined(on)).code, 0)
  assert.ok(existsSync(join(home, 'loaded')), 'the proof proves nothing')
})

test('for a person: numbers, marks, and the fix below what is broken', async () => {
  const home = folder()
  writeFileSync(join(home, 'data'), '')
  const { code, stdout } = await run(['doctor'], { home })

  assert.is(code, 1)
  assert.match(stdout, /^ 1 ✓ runtime /m)
  assert.match(stdout, /^ \d ✗ data folder .*\n +fix: make .* by DATA_DIR$/m)
  assert.match(stdout, /\n1 failed, 0 warnings, \d+ checks\.\n$/)
})

test.run()
