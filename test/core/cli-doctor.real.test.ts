/** `autodocops doctor` on machines and manifests that are really broken: each time it names the fault and the fix. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { closedAfterwards } from '../harness/closing.ts'
import { command, run } from '../harness/process.ts'
import { about, examined, fixOf, folder, production, read, strong } from './doctor-fixture.ts'

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

test('a port that somebody else has', async () => {
  const other = closedAfterwards(createServer().listen(0, '127.0.0.1'), (server) => server.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const found = await examined({ env: { PORT: String(port) } })
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

/** Above what the runtime itself has open. */
const fewFiles = 128

if (process.platform === 'linux') {
  test('a limit of open files that is too low', async () => {
    const { PATH = '', HOME = '', DENO_DIR } = process.env
    const limited = `ulimit -n ${fewFiles}; exec "$@"`
    const env = {
      PATH,
      HOME,
      PORT: '0',
      OPERATIONS_ADDRESS: '127.0.0.1:0',
      ...(DENO_DIR && { DENO_DIR }),
    }
    const [program, words] = command(['doctor', '--json'])
    const asked = ['-c', limited, 'bash', program, ...words]
    const ended = await promisify(execFile)('bash', asked, { cwd: folder(), env }).catch(
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    )
    const found = read({ code: 0, ...ended })
    const finding = about(found, 'open files', new RegExp(`^${fewFiles} may be open`))

    assert.is(found.code, 1)
    assert.match(fixOf(finding), 'LimitNOFILE')
  })
}

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
