/** Every verb of the core and of the built-in plugins, called as a person and as a script call it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { parseArguments, type Usage } from '../../core/cli/arguments.ts'
import { hasColour } from '../../core/cli/colour.ts'
import { invocation } from '../../core/cli/invocation.ts'
import { main } from '../../core/cli/main.ts'
import { root } from '../harness/root.ts'
import type { Ran } from './cli-fixture.ts'
import { inFolder } from './manifest-fixture.ts'

const good = 'plugins: { metrics: true }'
const broken = {
  'is no YAML': 'plugins: { cache: true\nserver: [',
  'does not plan': 'plugins: { cahce: true, auth: { config: { secret: 1 } } }',
  'is not there': undefined,
}

function call(argv: readonly string[], yaml: string | undefined): Promise<Ran> {
  const files = yaml === undefined ? {} : { 'config/manifest.yaml': yaml }
  return inFolder(files, async (cwd) => {
    const [out, err]: [string[], string[]] = [[], []]
    const env = yaml === undefined ? { AUTODOCOPS_MANIFEST: 'nowhere.yaml' } : {}
    const io = {
      cwd,
      env,
      out: (line: string) => void out.push(line),
      err: (line: string) => void err.push(line),
    }
    const code = await main(argv, io)
    return { code, out: out.join('\n'), err: err.join('\n') }
  })
}

interface Listed {
  readonly name: string
  readonly summary: string
  readonly plugin?: string
}
const list = JSON.parse((await call(['help', '--json'], good)).out) as readonly Listed[]
const usageOf = async (name: string, yaml: string | undefined) =>
  JSON.parse((await call([name, '--help', '--json'], yaml)).out) as Usage

test('there are the verbs of the core and of the plugins, and help lists them all', async () => {
  const { code, out } = await call(['--help'], broken['is no YAML'])

  assert.is(code, 0)
  assert.ok(list.length >= 18, list.map(({ name }) => name).join())
  assert.ok(list.some(({ plugin }) => plugin === 'billing'))
  for (const { name, summary } of list)
    assert.ok(out.includes(`\n  ${name.padEnd(12)} ${summary}`), name)
})

for (const { name, summary } of list) {
  test(`${name} --help tells usage, options and examples, also where the manifest is broken`, async () => {
    const whole = await call([name, '--help'], good)
    const { positionals = [], options = {}, examples } = await usageOf(name, good)
    const [title, usage, told, shown] = whole.out.split(/\n\n(?:Options\n|Examples\n)?/)

    assert.is(whole.code, 0)
    assert.is(title, summary)
    for (const word of [name, ...positionals]) assert.match(usage ?? '', word)
    for (const option of [...Object.keys(options), 'json', 'help'])
      assert.match(told ?? '', new RegExp(`^  --${option}(?:, -\\w)? +\\S`, 'm'))
    assert.is(shown?.split('\n').length, examples.length)
    for (const yaml of Object.values(broken)) {
      assert.equal(await usageOf(name, yaml), await usageOf(name, good))
      assert.equal((await call([name, '-h'], yaml)).code, 0)
    }
  })

  test(`the examples of ${name} can be called as they stand`, async () => {
    const usage = await usageOf(name, good)

    assert.ok(usage.examples.length > 0)
    for (const example of usage.examples) {
      const line = /^(?:[A-Z_]+=\S+ )*autodocops ([a-z-]+)((?: [^ >&]+)*)/.exec(example)
      assert.ok(line, example)
      if (line?.[1] === name) parseArguments(usage, line[2]?.split(' ').filter(Boolean) ?? [])
    }
    assert.match(usage.examples.join('\n'), `autodocops ${name}`)
  })

  test(`${name} --no-such-option ends with 2 and names it, whatever the manifest`, async () => {
    for (const yaml of [good, ...Object.values(broken)]) {
      const { code, out, err } = await call([name, '--hepl'], yaml)

      assert.is(code, 2)
      assert.is(out, '')
      assert.match(err, "no option '--hepl'; did you mean 'help'?")
    }
  })
}

/** What each needs to be called; none of them starts a server or a database here. */
const calls: Readonly<Record<string, readonly string[]>> = {
  start: [],
  init: ['--yes'],
  doctor: [],
  check: [],
  plan: [],
  reload: [],
  plugins: [],
  schema: [],
  config: [],
  'new-plugin': ['hello'],
  version: [],
  token: ['--sub', 'a'],
  billing: ['doctor'],
  cache: ['stats'],
  migrate: ['status'],
  backup: [],
  restore: ['nowhere.tar.gz'],
  openapi: [],
}
/** These say all that they do without planning. */
const unplanned = ['reload', 'schema', 'new-plugin', 'version', 'init']

test('the table knows every verb', () => {
  assert.equal(Object.keys(calls).toSorted(), list.map(({ name }) => name).toSorted())
})

for (const [name, words] of Object.entries(calls)) {
  const isTold = !unplanned.includes(name)
  if (isTold)
    test(`${name} --json tells the faults of a manifest as its one value, and ends with 78`, async () => {
      const { code, out } = await call([name, ...words, '--json'], broken['does not plan'])
      const told = JSON.stringify(JSON.parse(out))

      assert.is(code, 78)
      assert.match(told, /no plugin is named 'cahce'/)
    })
}

const answers: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(Object.entries(calls).filter(([name]) => unplanned.includes(name))),
  help: [],
  doctor: [],
  check: ['--format', 'github'],
  plan: [],
  plugins: [],
  'plugins of one': ['plugins', 'cache'],
  'plugins enable': ['plugins', 'enable', 'docs'],
  'plugins enable of what is on': ['plugins', 'enable', 'metrics'],
  'plugins enable of nobody': ['plugins', 'enable', 'dosc'],
  'plugins disable': ['plugins', 'disable', 'metrics'],
  'plugins disable --apply': ['plugins', 'disable', 'metrics', '--apply'],
  config: [],
  'config of one': ['config', '--explain', 'server.port'],
  openapi: [],
}
for (const [title, words] of Object.entries(answers))
  test(`${title} --json prints one line of JSON and nothing else, or says why not`, async () => {
    const [verb = ''] = title.split(' ')
    const argv = words[0] === verb ? words : [verb, ...words]
    const { code, out, err } = await call(
      [...argv, '--json'],
      verb === 'openapi' ? 'plugins: { docs: true }' : good,
    )

    if (out === '') {
      assert.is.not(code, 0)
      assert.is.not(err, '')
      return
    }
    assert.is(out.split('\n').length, 1)
    assert.type(JSON.parse(out), 'object')
  })

test('plugins enable --json tells what it wrote, and plugins disable what it leaves alone', async () => {
  const on = await call(['plugins', 'enable', 'docs', '--json'], good)
  const now = 'plugins: { metrics: true, docs: true }'
  const already = await call(['plugins', 'enable', 'metrics', '--json'], good)
  const refused = await call(['plugins', 'enable', 'projects', '--json'], good)
  const { file, ...told } = JSON.parse(on.out) as { file: string }

  assert.match(file, /config.manifest\.yaml$/)
  assert.equal(told, {
    plugin: 'docs',
    enabled: true,
    changed: [
      { sign: '-', line: 1, text: good },
      { sign: '+', line: 1, text: now },
    ],
  })
  assert.equal(JSON.parse(already.out), { plugin: 'metrics', enabled: true, changed: [] })
  assert.is(refused.code, 78)
  assert.match(refused.out, /"faults":\[.*database/)
})

for (const [how, yaml] of Object.entries(broken))
  test(`beside a manifest that ${how}, what was typed wrongly is told, not the manifest`, async () => {
    const misspelt = await call(['mirgate', 'status'], yaml)
    const lacking = await call(['token'], yaml)
    const tooMuch = await call(['backup', 'a', 'b'], yaml)

    assert.equal([misspelt.code, lacking.code, tooMuch.code], [2, 2, 2])
    assert.match(misspelt.err, "no verb 'mirgate'; did you mean 'migrate'?")
    assert.match(lacking.err, '--sub is missing')
    assert.match(tooMuch.err, "'b' is one too many")
  })

test('the README lists exactly the verbs that there are, each by its own summary', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| `([\w-]+)` \| ([\w -]+) \| (.+) \|$/gm)]

  assert.equal(
    rows.map(([, name, plugin, summary]) => ({ name, plugin, summary })),
    list.map(({ name, summary, plugin = 'the core' }) => ({ name, plugin, summary })),
  )
})

test('a verb of a plugin that is off says so, and its help is there', async () => {
  const { code, err } = await call(['token', '--sub', 'a'], good)
  const help = await call(['token', '--help'], good)

  assert.is(code, 2)
  assert.match(err, "'token' comes with the plugin 'auth', which is off")
  assert.is(help.code, 0)
})

test('commands are printed as this program was called', () => {
  const installed = join('/home/me/app', 'node_modules/.bin/autodocops')

  assert.is(invocation('/home/me/app', installed), 'npx autodocops')
  assert.is(invocation(root, join(root, 'dist/core/cli/main.js')), 'scripts/autodocops')
  assert.is(invocation(join(root, 'docs'), 'x'), '../scripts/autodocops')
})

test('colours are for a terminal that knows them, and for nobody who declined', () => {
  const at = (isTTY: boolean, env = {}) => hasColour({ isTTY }, { env: { TERM: 'xterm', ...env } })

  assert.ok(at(true))
  assert.ok(at(true, { NO_COLOR: '' }))
  assert.not(at(false))
  assert.not(at(true, { NO_COLOR: '1' }))
  assert.not(at(true, { TERM: 'dumb' }))
})

test.run()
