/** "A plugin in ten minutes", as CONTRIBUTING.md tells it, in a folder that has what a checkout has. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { adoptFolder } from '../harness/ending.ts'
import { startServer } from '../harness/process.ts'
import { root } from '../harness/root.ts'

const [, told = ''] =
  /## A plugin in ten minutes\n([\s\S]*?)\n## /.exec(
    readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'),
  ) ?? []
const blocks = (language: string) =>
  [...told.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text]) => text ?? '',
  )
const [creates = '', tries = '', starts = ''] = blocks('sh')
const [line = ''] = blocks('yaml')

const home = adoptFolder(mkdtempSync(join(tmpdir(), 'autodocops-plugin-')))
for (const name of ['scripts', 'node_modules', 'package.json'])
  symlinkSync(join(root, name), join(home, name))
cpSync(join(root, 'config'), join(home, 'config'), { recursive: true })
const manifest = join(home, 'config/manifest.yaml')

const shell = async (commands: string): Promise<string> => {
  const { PATH = '', HOME = '' } = process.env
  const env = { PATH, HOME, DATA_DIR: join(home, 'data') }
  const options = { cwd: home, env, timeout: 180_000 }
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-euc', commands], options)
  return stdout
}

/** The default manifest with the line where it belongs. */
const switchOn = () =>
  writeFileSync(
    manifest,
    readFileSync(manifest, 'utf8').replace('\nplugins:\n', `\nplugins:\n  ${line}`),
  )

test('new-plugin writes a plugin whose own test passes', async () => {
  await shell(creates)

  assert.match(creates, 'new-plugin hello')
  assert.match(tries, 'my-plugins/hello')
  await shell(tries)
})

test('its types hold as they are, and a service that it does not declare is an error', async () => {
  const compilerOptions = {
    ...{ allowJs: true, checkJs: true, strict: true, noEmit: true, skipLibCheck: true },
    ...{ module: 'nodenext', target: 'es2023', types: ['node'] },
    ...{ customConditions: ['source'], allowImportingTsExtensions: true },
  }
  const config = join(home, 'tsconfig.json')
  writeFileSync(config, JSON.stringify({ compilerOptions, include: ['my-plugins/**/*.js'] }))
  const types = `node_modules/.bin/tsc -p ${config}`
  const index = join(home, 'my-plugins/hello/index.js')
  const written = readFileSync(index, 'utf8')

  await shell(types)
  writeFileSync(index, written.replace('({ config }) =>', '({ config, cache }) =>'))
  const refused = await shell(types).catch(({ stdout }: { stdout: string }) => stdout)
  writeFileSync(index, written)

  assert.match(refused, /hello\/index\.js.*Property 'cache' does not exist/)
})

test('the line switches it on, and the plan shows it', async () => {
  switchOn()
  const plan = await shell(starts.replace(/^npm start$/m, ''))

  assert.match(starts, /^npm start$/m)
  assert.match(plan, 'hello')
})

test('its route answers', async () => {
  const server = await startServer({
    home,
    env: { DATA_DIR: join(home, 'data'), AUTODOCOPS_MANIFEST: manifest },
  })

  const reply = await fetch(`${server.url}/hello/ann`)
  const body = await reply.text()
  await server.stop()

  assert.is(reply.status, 200, body)
})

test.run()
