/** A plugin that somebody else wrote: packed, installed beside our package from the registry, and run from a manifest. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adopt, adoptFolder, end } from '../harness/ending.ts'
import { run } from '../harness/process.ts'
import { isDeno, root } from '../harness/root.ts'
import { skip } from '../harness/skip.ts'

const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-outside-')))
/** An empty folder of somebody's. */
const site = join(home, 'site')
const installed = join(site, 'node_modules/autodocops-hello')
const runtime = isDeno ? ['run', '-A'] : []

/** Packs a folder as its author would, and returns the tarball. */
function pack(folder: string): string {
  const into = mkdtempSync(join(home, 'packed-'))
  const options = ['--silent', '--ignore-scripts', '--pack-destination', into]
  execFileSync('npm', ['pack', ...options], { cwd: folder })
  return join(into, readdirSync(into)[0] ?? '')
}

function install(...tarballs: readonly string[]): void {
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
  try {
    execFileSync('npm', ['install', ...options, ...tarballs], { cwd: site, stdio: 'pipe' })
  } catch (error) {
    const isOffline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH/.test(String(error))
    if (isOffline) skip('the registry of npm', 'connect to the internet')
    throw error
  }
}

const build = "import('./scripts/build.mjs').then((made) => made.isStale() && made.build())"
execFileSync('node', ['-e', build], { cwd: root })
await run(['new-plugin', 'hello', '--dir', 'author'], { home })
mkdirSync(site)
writeFileSync(join(site, 'package.json'), '{ "type": "module" }')
install(pack(root), pack(join(home, 'author/hello')))

interface Started {
  readonly url: string
  readonly operations: string
  readonly stop: () => Promise<unknown>
}

const writeManifest = (plugins: string) => {
  mkdirSync(join(site, 'config'), { recursive: true })
  const server = '{ port: 0, operations: "127.0.0.1:0", drain: 1s }'
  writeFileSync(join(site, 'config/manifest.yaml'), `server: ${server}\nplugins:\n${plugins}`)
}

const command = (...words: readonly string[]) =>
  [process.execPath, [...runtime, 'node_modules/.bin/autodocops', ...words]] as const

/** One verb of the installed program, to its end. */
const verb = async (...words: readonly string[]) =>
  (await promisify(execFile)(...command(...words), { cwd: site })).stdout

async function start(plugins: string): Promise<Started> {
  writeManifest(plugins)
  const child = adopt(spawn(...command('start', '--json'), { cwd: site, stdio: 'pipe' }))
  const said = { out: '', err: '' }
  child.stderr?.on('data', (chunk: Buffer) => (said.err += chunk.toString()))
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said.err}`)))
    child.stdout?.on('data', (chunk: Buffer) => {
      said.out += chunk.toString()
      if (said.out.includes('\n')) resolve()
    })
  })
  const { public: url, operations } = JSON.parse(said.out) as { public: string; operations: string }
  return { url, operations, stop: () => end(child) }
}

/** Written by hand, against a copy of this package of its own, and against the service of another plugin. */
function writeTwin(): void {
  const folder = join(site, 'my-plugins/twin')
  cpSync(join(site, 'node_modules/autodocops'), join(folder, 'node_modules/autodocops'), {
    recursive: true,
  })
  writeFileSync(
    join(folder, 'index.js'),
    `import { definePlugin, optional, problems, reply, secret, service } from 'autodocops'
import { Cache } from 'autodocops/plugins/cache'
import * as z from 'zod'

const E = problems({ twin_missing: { status: 410, title: 'No such twin' } })
const open = { method: 'GET', auth: 'public', limit: 'none', timeoutMs: 5_000 }
export default definePlugin({
  name: 'twin', version: '1.0.0', core: '^1', summary: 'Asks the other one',
  config: z.strictObject({ key: secret().describe('A key.') }),
  requires: { hello: service('hello').of(), cache: optional(Cache) },
  routes: ({ route }) => [route({
    ...open, path: '/twin/:who', summary: 'Asks', params: z.object({ who: z.string() }), responses: { 202: z.object({ said: z.string() }) },
    handler: ({ hello, cache, config }, { params }) => {
      if (params.who === 'nobody') throw E.twin_missing()
      return reply(202, { said: hello.greet(params.who), hasCache: cache !== undefined, key: config.key })
    },
  })],
  examples: { config: { valid: [{ key: 'k' }], invalid: [{}] } },
})
`,
  )
}

test('a package from outside answers, is counted and is documented', async () => {
  const server = await start(
    '  metrics: true\n  docs: true\n  hello: { from: "npm:autodocops-hello", config: { greeting: Hola } }\n',
  )

  const answer = await fetch(`${server.url}/hello/Ada`)
  const metrics = await (await fetch(`${server.operations}/metrics`)).text()
  const document = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object }
  await server.stop()

  assert.is(answer.status, 200)
  assert.equal(await answer.json(), { message: 'Hola, Ada!' })
  assert.match(metrics, /^hello_greetings_total 1$/m)
  assert.ok('/hello/{who}' in document.paths)
})

test('a folder with a copy of autodocops of its own works with ours: services, problems, replies, secrets', async () => {
  writeTwin()
  const server = await start(
    '  cache: true\n  hello: { from: "npm:autodocops-hello" }\n  twin: { from: ../my-plugins/twin, config: { key: kept-to-itself } }\n',
  )

  const [answer, gone] = await Promise.all([
    fetch(`${server.url}/twin/Ada`),
    fetch(`${server.url}/twin/nobody`),
  ])
  await server.stop()

  assert.is(answer.status, 202)
  assert.equal(await answer.json(), { said: 'Hello, Ada!', hasCache: true, key: '[redacted]' })
  assert.is(gone.status, 410)
  assert.is(((await gone.json()) as { code: string }).code, 'twin_missing')
})

test('its own test passes where it is installed', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...runtime, join(installed, 'test.js')],
    { cwd: site },
  )

  const [, total, passed] = /Total: +(\d+)[\s\S]*Passed: +(\d+)/.exec(stdout) ?? []
  assert.ok(Number(total) > 20)
  assert.is(passed, total)
})

test('check, schema and config need its schema alone; while it is off, none of its code runs', async () => {
  writeFileSync(join(installed, 'index.js'), 'throw new Error("its code ran")')
  writeManifest('  hello: { from: "npm:autodocops-hello", config: { greeting: Hola } }\n')
  const checked = await verb('check', '--json')
  const schema = await verb('schema')
  writeFileSync(join(installed, 'config.js'), 'throw new Error("its schema was loaded")')
  writeManifest('  hello: { from: "npm:autodocops-hello", enabled: false }\n')
  const listed = JSON.parse(await verb('plugins', 'hello', '--json')) as Record<string, unknown>

  assert.match(checked, '"hello"')
  assert.match(schema, 'What is said before the name.')
  assert.is(listed['enabled'], false)
  assert.equal(listed['routes'], ['GET /hello/:who'])
})

test.run()
