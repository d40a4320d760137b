/** `plugins enable` and `disable`, with a server that runs: the file, what is printed, what is served. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { run, startServer } from '../harness/process.ts'
import { plugins } from '../../core/cli/plugins.ts'
import { runIn } from './cli-fixture.ts'
import { inFolder, type Environment } from './manifest-fixture.ts'

const manifest = `# Ours. Do not lose this line.
server: { port: 0, operations: '127.0.0.1:0', dataDir: '\${DATA_DIR}', drain: 1s }
plugins:
  metrics: true # for Prometheus
  docs: # the page
    # where it is
    config: { title: Mine }
`

test('a plugin goes and comes while the server runs; the diff is shown, and every comment is kept', async () => {
  const server = await startServer({ manifest })
  const file = join(server.home, 'manifest.yaml')
  const env = { AUTODOCOPS_MANIFEST: file }
  const verb = (...words: readonly string[]) =>
    run(['plugins', ...words], { home: server.home, env })
  const document = async () => (await fetch(`${server.url}/openapi.json`)).status

  const before = await document()
  const unapplied = await verb('disable', 'docs')
  const still = await document()
  const back = await verb('enable', 'docs')
  const off = await verb('disable', 'docs', '--apply')
  const gone = await document()
  const textOff = readFileSync(file, 'utf8')
  const on = await verb('enable', 'docs', '--apply')
  const again = await document()

  assert.equal([before, still, gone, again], [200, 200, 404, 200])
  assert.equal([unapplied.code, back.code, off.code, on.code], [0, 0, 0, 0])
  assert.match(unapplied.stdout, 'reload')
  assert.match(
    off.stdout,
    /^- manifest\.yaml:7 {5}enabled: true\n\+ manifest\.yaml:7 {5}enabled: false$/m,
  )
  assert.match(off.stdout, /retired +docs/)
  assert.match(on.stdout, /started +docs/)
  assert.match(textOff, 'enabled: false')
  assert.is(
    readFileSync(file, 'utf8'),
    manifest.replace('    config:', '    enabled: true\n    config:'),
  )

  writeFileSync(file, `${readFileSync(file, 'utf8')}  nobody: true\n`)
  const broken = await verb('disable', 'docs', '--apply')
  assert.is(broken.code, 78)
  assert.match(broken.stderr, 'E_PLUGIN_UNKNOWN')
  assert.match(readFileSync(file, 'utf8'), 'enabled: true')
  assert.is(await document(), 200)
  await server.stop()
})

const overlaid = (args: Readonly<Record<string, string>>) =>
  inFolder(
    {
      'config/manifest.yaml': 'plugins:\n  metrics: true\n  docs: true\n',
      'config/manifest.night.yaml': '# at night\nplugins: { docs: false }\n',
    },
    async (cwd) => {
      const said: string[] = []
      const tell = (line: string) => void said.push(line)
      const io = {
        cwd,
        env: { AUTODOCOPS_PROFILE: 'night' },
        json: false,
        out: tell,
        err: tell,
        step: () => undefined,
      }
      const code = await plugins.run(args, io)
      const text = readFileSync(join(cwd, 'config/manifest.yaml'), 'utf8')
      return { code, said: said.join('\n'), text }
    },
  )

test('what an overlay decides is not told as done: it is named, and the base stays as it was', async () => {
  const on = await overlaid({ 'enable|disable': 'enable', name: 'docs' })
  const off = await overlaid({ 'enable|disable': 'disable', name: 'docs' })

  assert.is(on.code, 1)
  assert.match(on.said, /docs stays off: .*manifest\.night\.yaml:2 has the last word/)
  assert.match(on.text, 'docs: true')
  assert.is(off.code, 0)
  assert.match(off.text, 'docs: false')
})

interface Setting {
  readonly json?: boolean
  readonly env?: Environment
}

/** Switches one off in a folder with these files; what was said, and the manifest afterwards. */
const disabled = (name: string, files: Readonly<Record<string, string>>, setting: Setting = {}) =>
  inFolder(files, async (cwd) => {
    const ran = await runIn(cwd, plugins, { 'enable|disable': 'disable', name }, setting)
    const textOf = (file: string) => {
      const path = join(cwd, file)
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined
    }
    const text = textOf('config/manifest.yaml')
    return { ...ran, text, other: textOf('etc/app.yaml') }
  })

test('what others need stays on: they are named, with the commands that switch them off', async () => {
  const yaml = 'plugins: { database: true, projects: true, billing: true, auth: true }\n'
  const told = await disabled('database', { 'config/manifest.yaml': yaml })
  const asJson = await disabled('database', { 'config/manifest.yaml': yaml }, { json: true })

  assert.is(told.code, 78)
  assert.is(
    told.err,
    'database stays on, since it is needed by: projects, billing\n' +
      '    hint: switch off first what needs it: autodocops plugins disable projects && autodocops plugins disable billing',
  )
  assert.is(told.text, yaml)
  assert.equal((JSON.parse(asJson.out) as { dependants: unknown }).dependants, [
    'projects',
    'billing',
  ])
})

test('who lacked something before is not told as if it needed what is switched off now', async () => {
  const yaml = 'plugins: { metrics: true, projects: true }\n'
  const told = await disabled('metrics', { 'config/manifest.yaml': yaml })

  assert.is(told.code, 78)
  assert.match(told.err, /E_SERVICE_MISSING plugins\.projects: .*\n +hint: enable one of: database/)
  assert.not.match(told.err, 'needed by')
  assert.is(told.text, yaml)
})

test('a folder without a manifest has none after a switch that was refused', async () => {
  const { code, text } = await disabled('database', {})

  assert.is(code, 78)
  assert.is(text, undefined)
})

test('a folder without a manifest gets a copy of the built-in one, and is told so', async () => {
  const { code, out, text = '' } = await disabled('docs', {})

  assert.is(code, 0)
  assert.match(out, /config.manifest\.yaml is new, a copy of the built-in manifest\n/)
  assert.match(text, '  docs: false')
})

test('the file that AUTODOCOPS_MANIFEST names in .env is the one that is written', async () => {
  const yaml = 'plugins: { metrics: true, docs: true }\n'
  const files = { '.env': 'AUTODOCOPS_MANIFEST=etc/app.yaml', 'etc/app.yaml': yaml }
  const { code, out, text, other } = await disabled('docs', files)

  assert.is(code, 0)
  assert.not.match(out, 'is new')
  assert.is(other, yaml.replace('docs: true', 'docs: false'))
  assert.is(text, undefined)
})

test('a plugin that nobody knows is not written into the manifest', async () => {
  const yaml = 'plugins: { metrics: true }\n'
  const { code, err, text } = await disabled('dosc', { 'config/manifest.yaml': yaml })

  assert.is(code, 1)
  assert.is(err, "no plugin is named 'dosc'\n    hint: did you mean 'docs'?")
  assert.is(text, yaml)
})

test('a manifest that cannot be read is a fault, not a trace', async () => {
  const { code, err } = await disabled('docs', {}, { env: { AUTODOCOPS_MANIFEST: 'nope.yaml' } })

  assert.is(code, 78)
  assert.match(err, /^nope\.yaml:1:1 E_MANIFEST_MISSING/)
})

test.run()
