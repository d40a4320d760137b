import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { check } from '../../core/cli/check.ts'
import { packageRoot } from '../../core/package-root.ts'
import { run } from './cli-fixture.ts'
import { inFolder } from './manifest-fixture.ts'

const bad =
  'server: { port: "${PORT}" }\nplugins:\n  cahce: true\n  database: { config: { hots: a } }\n'

test('a good manifest ends with 0 and names what would run', async () => {
  const { code, out, err } = await run(check, {}, { yaml: 'plugins: { metrics: true }' })

  assert.is(code, 0)
  assert.is(out, 'config/manifest.yaml is good: metrics.')
  assert.is(err, '')
})

test('a bad manifest ends with 78, all faults on the error output, and how many there are', async () => {
  const { code, out, err } = await run(check, {}, { yaml: bad, env: { PORT: 'x' } })

  assert.is(code, 78)
  assert.is(out, '')
  assert.is(
    err,
    `config/manifest.yaml:1:17 E_CONFIG server.port: must be a number, but this is text (value from env PORT)
config/manifest.yaml:3:3 E_PLUGIN_UNKNOWN plugins.cahce: no plugin is named 'cahce'
    hint: did you mean 'cache'?
config/manifest.yaml:4:25 E_CONFIG plugins.database.config.hots: unknown option 'hots'
    hint: did you mean 'host'?

3 faults; nothing was started.`,
  )
})

test('with --json it prints one value and nothing else, good or bad', async () => {
  const good = await run(check, {}, { yaml: 'plugins: { metrics: true }', json: true })
  const broken = await run(check, {}, { yaml: bad, env: { PORT: 'x' }, json: true })
  const told = JSON.parse(broken.out) as { ok: boolean; faults: readonly Record<string, unknown>[] }

  assert.equal(JSON.parse(good.out), { ok: true, faults: [], plugins: ['metrics'] })
  assert.is(broken.code, 78)
  assert.is(broken.err, '')
  assert.not(told.ok)
  assert.equal(told.faults[1], {
    file: 'config/manifest.yaml',
    line: 3,
    col: 3,
    code: 'E_PLUGIN_UNKNOWN',
    path: 'plugins.cahce',
    message: "no plugin is named 'cahce'",
    hint: "did you mean 'cache'?",
    severity: 'error',
  })
})

test('--format github prints annotations, one line each', async () => {
  const { out } = await run(check, { format: 'github' }, { yaml: bad, env: { PORT: '1' } })

  assert.equal(out.split('\n'), [
    "::error file=config/manifest.yaml,line=3,col=3,title=E_PLUGIN_UNKNOWN::plugins.cahce: no plugin is named 'cahce'%0Ahint: did you mean 'cache'?",
    "::error file=config/manifest.yaml,line=4,col=25,title=E_CONFIG::plugins.database.config.hots: unknown option 'hots'%0Ahint: did you mean 'host'?",
  ])
})

test('a warning is told and ends with 0', async () => {
  const yaml = 'plugins: { database: { config: { password: hunter22 } } }'
  const { code, out, err } = await run(check, {}, { yaml })

  assert.is(code, 0)
  assert.match(out, /good: database/)
  assert.match(err, /^config\/manifest\.yaml:1:44 warning E_SECRET_INLINE/)
})

test('another file may be named, another format may not', async () => {
  const files = { 'other.yaml': 'plugins: { sessions: true }' }

  assert.match((await run(check, { file: 'other.yaml' }, { files })).out, /good: sessions/)
  assert.is((await run(check, { format: 'xml' }, { yaml: '' })).code, 2)
})

const isDeno = process.versions['deno'] !== undefined
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

/** Logs every module that is loaded; the hook runs on Node only. */
const watcher = (log: string) => {
  const hook = `import { appendFileSync } from 'node:fs'
export const load = (url, context, next) => { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context) }`
  const asUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`
  return asUrl(`import { register } from 'node:module'; register(${JSON.stringify(asUrl(hook))})`)
}

function modulesOf(verb: string, cwd: string): readonly string[] {
  const main = fileURLToPath(new URL(`../../core/cli/main.${extension}`, import.meta.url))
  const log = join(cwd, 'modules')
  const args = [...process.execArgv, '--import', watcher(log), main, verb]
  const { status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  assert.is(status, 0, stderr)
  return readFileSync(log, 'utf8').trim().split('\n')
}

const built = extension === 'ts' ? '' : 'dist/'
const core = pathToFileURL(join(fileURLToPath(packageRoot()), built, 'core/')).href

async function loadsLittle(): Promise<void> {
  const yaml = 'plugins: { database: true, cache: true, redis: false, billing: false }'
  await inFolder({ 'config/manifest.yaml': yaml }, (cwd) => {
    const modules = modulesOf('check', cwd).filter((url) => url.startsWith('file:'))
    const packages = modules.map((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
    const plugins = modules.map((url) => /\/plugins\/(.*)\.[jt]s$/.exec(url)?.[1])
    // Of http/ only tables: limits, and the problems that the public face tells documents of.
    const isServer = (url: string) =>
      /core\/(host|instance|generation|http\/(?!limits|errors|implied-problems))/.test(url)

    assert.equal([...new Set(packages.filter((name) => name !== undefined))].toSorted(), [
      'semver',
      'yaml',
      'zod',
    ])
    assert.equal(plugins.filter((name) => name !== undefined).toSorted(), [
      'cache/config',
      'database/config',
    ])
    assert.equal(
      modules.filter((url) => url.startsWith(core) && isServer(url)),
      [],
    )
  })
}

// Deno has no hook that sees what is loaded; what check imports is the same there.
if (!isDeno)
  test('check loads its own modules and config.ts of what is on, no SDK, koa or knex', loadsLittle)

test.run()
