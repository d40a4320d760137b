/** `plugins enable` and `disable`, with a server that runs: the file, what is printed, what is served. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { run, startServer } from '../harness/process.ts'
import { plugins } from '../../core/cli/plugins.ts'
import { inFolder } from './manifest-fixture.ts'

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

test.run()
