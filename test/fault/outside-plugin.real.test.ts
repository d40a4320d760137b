import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { pluginTemplate } from '../../core/cli/plugin-template.ts'
import { root } from '../harness/root.ts'

/** An empty folder of somebody: our tarball unpacked where npm would, and a plugin that they wrote. */
const home = mkdtempSync(join(tmpdir(), 'autodocops-outside-'))
const modules = join(home, 'node_modules')
/** The program itself: the script in `.bin` would keep a signal from it. */
const deno = readdirSync(join(root, 'node_modules/@deno'))
  .map((platform) => join(root, 'node_modules/@deno', platform, 'deno'))
  .find((file) => existsSync(file))

function unpack(tarball: string, into: string): void {
  mkdirSync(into, { recursive: true })
  execFileSync('tar', ['xzf', tarball, '--strip-components=1', '-C', into])
}

function writePlugin(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries(pluginTemplate('hello', '1.0.0'))) {
    writeFileSync(join(folder, file), text)
  }
}

test.before(() => {
  const build = "import('./scripts/build.mjs').then((made) => made.isStale() && made.build())"
  execFileSync(process.execPath, ['-e', build], { cwd: root })
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', home], {
    cwd: root,
  })
  const tarball = join(home, readdirSync(home).find((file) => file.endsWith('.tgz')) ?? '')
  unpack(tarball, join(modules, 'autodocops'))
  // What npm would install beside it stands in the checkout already.
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === 'autodocops' || name.startsWith('.')) continue
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  const dependencies = { autodocops: '1.0.0', 'autodocops-hello': '1.0.0', zod: '4' }
  writeFileSync(join(home, 'package.json'), JSON.stringify({ type: 'module', dependencies }))
  writePlugin(join(modules, 'autodocops-hello'))
  writePlugin(join(home, 'twin'))
  // The twin brings a copy of its own of the package that it is written against.
  cpSync(join(modules, 'autodocops'), join(home, 'twin/node_modules/autodocops'), {
    recursive: true,
  })
})

test.after(() => rmSync(home, { recursive: true, force: true }))

const manifest = (hello: string) => `
server: { port: 0, operations: "127.0.0.1:0", drain: 1s }
plugins:
  metrics: true
  hello: ${hello}
`

interface Started {
  readonly child: ChildProcess
  readonly url: string
}

function start(program: readonly string[], hello: string): Promise<Started> {
  mkdirSync(join(home, 'config'), { recursive: true })
  writeFileSync(join(home, 'config/manifest.yaml'), manifest(hello))
  const [command = '', ...words] = program
  const main = join(modules, 'autodocops/dist/core/cli/main.js')
  const child = spawn(command, [...words, main, 'start', '--json'], { cwd: home })
  return new Promise((resolve, reject) => {
    const said = { out: '', err: '' }
    child.stderr.on('data', (chunk: Buffer) => (said.err += String(chunk)))
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${said.err}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      said.out += String(chunk)
      if (!said.out.includes('\n')) return
      resolve({ child, url: (JSON.parse(said.out) as { public: string }).public })
    })
  })
}

async function ended(child: ChildProcess): Promise<void> {
  child.removeAllListeners('exit')
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

const runtimes: readonly (readonly [string, readonly string[]])[] = [
  ['Node', [process.execPath]],
  ...(deno === undefined ? [] : ([['Deno', [deno, 'run', '-A']]] as const)),
]
for (const [runtime, program] of runtimes) {
  test(`a package from outside runs from a manifest, on ${runtime}`, async () => {
    const { child, url } = await start(
      program,
      '{ from: "npm:autodocops-hello", config: { greeting: Hola } }',
    )

    const answer = await fetch(`${url}/hello/Ada`)

    assert.is(answer.status, 200)
    assert.equal(await answer.json(), { message: 'Hola, Ada!' })
    await ended(child)
  })

  test(`a folder with its own copy of autodocops runs beside ours, on ${runtime}`, async () => {
    const { child, url } = await start(program, '{ from: ../twin }')

    const [answer, wrong] = await Promise.all([fetch(`${url}/hello/Ada`), fetch(`${url}/hello`)])

    assert.equal(await answer.json(), { message: 'Hello, Ada!' })
    assert.is(wrong.status, 404)
    await ended(child)
  })
}

test('its own test passes where it is installed', () => {
  const run = () =>
    execFileSync(process.execPath, [join(modules, 'autodocops-hello/test.js')], { cwd: home })

  assert.match(String(run()), /Passed: +27/)
})

test('while it is off, none of its code runs, and its config is known all the same', () => {
  const folder = join(home, 'untouchable')
  writePlugin(folder)
  for (const file of ['index.js', 'config.js'])
    writeFileSync(join(folder, file), 'throw new Error("ran")')
  writeFileSync(
    join(home, 'config/manifest.yaml'),
    manifest('{ from: ../untouchable, enabled: false }'),
  )
  const main = join(modules, 'autodocops/dist/core/cli/main.js')

  const listed = execFileSync(process.execPath, [main, 'plugins', 'hello', '--json'], { cwd: home })

  const { enabled, config } = JSON.parse(String(listed)) as { enabled: boolean; config: object }
  assert.is(enabled, false)
  assert.ok('properties' in config)
})

test.run()
