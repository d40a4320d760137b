/** The direction of the imports, checked with `node:fs` alone (CONVENTIONS "Direction", ARCHITECTURE.md). */
import { readdirSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { root } from './harness/root.ts'

interface Import {
  readonly from: string
  /** A path of ours for a relative import, else the name as it is written. */
  readonly to: string
  readonly written: string
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')

const sources = ['core', 'plugins']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name.replaceAll('\\', '/')}`,
    ),
  )
  .filter((path) => path.endsWith('.ts'))

/** What is inside a template or a comment is text: `new-plugin` holds a whole plugin as text. */
const codeOf = (text: string) =>
  text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/`(?:\\[\s\S]|[^`\\])*`/g, '``')

function importsOf(path: string): Import[] {
  const found = codeOf(read(path)).matchAll(
    /^\s*(?:import|export)\s+(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]/gm,
  )
  return [...found].map(([, still, lazy]) => {
    const written = still ?? lazy ?? ''
    const isPath = written.startsWith('.')
    const to = isPath ? normalize(join(path, '..', written)).replaceAll('\\', '/') : written
    return { from: path, to, written }
  })
}

const imports = sources.flatMap(importsOf)
const ofPlugins = imports.filter(({ from }) => from.startsWith('plugins/'))
const ofCore = imports.filter(({ from }) => from.startsWith('core/'))
const show = (broken: readonly Import[]) => broken.map(({ from, written }) => `${from}: ${written}`)

/** The rooms of core from the ground up; the first that fits counts. A file knows its own floor and those below. */
const floors: readonly (readonly [name: string, files: RegExp])[] = [
  [
    'ground',
    /^core\/(errors|secret|duration|events|log[\w-]*|deadline|package-root|content-key)\.ts$/,
  ],
  ['contract', /^core\/(service|principal|plugin|route|slots|metric|dashboard|core-events)\.ts$/],
  ['limits', /^core\/http\/limits\.ts$/],
  ['facts', /^core\/(facts\.ts|manifest\/(schema-walk|tree|faults)\.ts)$/],
  ['manifest', /^core\/manifest\//],
  ['plan', /^core\/(plan|graph|clashes|sources|source-errors)\.ts$/],
  ['http', /^core\/http\//],
  ['host', /^core\/[\w-]+\.ts$/],
  ['doors', /^core\/(cli|testing)\//],
]
const floorOf = (path: string) => floors.findIndex(([, files]) => files.test(path))

const rooms = [
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'shared',
  'misc',
  'lib',
  'manager',
  'base',
]

test('the scan sees the code base', () => {
  assert.ok(sources.length > 100, `${sources.length} files`)
  assert.ok(imports.length > 300, `${imports.length} imports`)
  assert.ok(imports.some(({ to }) => to === 'core/errors.ts'))
  assert.ok(imports.some(({ to }) => to.startsWith('autodocops/plugins/')))
})

test('core knows no plugin, and not its own public name', () => {
  const broken = ofCore.filter(({ to }) => /^plugins\/|^autodocops(\/|$)/.test(to))

  assert.equal(show(broken), [])
})

test('a plugin never leaves its folder by a path', () => {
  const broken = ofPlugins.filter(({ from, to, written }) => {
    const [, home = ''] = /^(plugins\/[^/]+\/)/.exec(from) ?? []
    return written.startsWith('.') && !to.startsWith(home)
  })

  assert.equal(show(broken), [])
})

test('a plugin knows of core its public face, and of a neighbour its contract', () => {
  const broken = ofPlugins
    .filter(({ to }) => to.startsWith('autodocops/'))
    .filter(({ to }) => !/^autodocops\/plugins\/[a-z-]+$/.test(to))

  assert.equal(show(broken), [])
})

test('a contract imports core and other contracts, and nothing of its own plugin', () => {
  const broken = ofPlugins
    .filter(({ from }) => from.endsWith('/contract.ts'))
    .filter(({ from, to }) => !isAllowedInContract(from, to))

  assert.equal(show(broken), [])
})

/** Types of a package may stand in a signature: they are erased. */
function isAllowedInContract(from: string, to: string): boolean {
  if (to === 'autodocops' || to.startsWith('autodocops/plugins/')) return true
  const typesOnly = new RegExp(
    `import\\s+type\\s[^'"]*['"]${to.replaceAll(/[.*+?^$()|[\]\\/]/g, '\\$&')}['"]`,
  )
  return !to.startsWith('plugins/') && typesOnly.test(read(from))
}

test('config.ts loads zod and core, and nothing heavy', () => {
  const broken = ofPlugins
    .filter(({ from }) => from.endsWith('/config.ts'))
    .filter(({ to }) => to !== 'zod' && to !== 'autodocops' && !to.startsWith('plugins/'))

  assert.equal(show(broken), [])
})

test('no import goes in a circle, types included', () => {
  assert.equal(circles(), [])
})

/** Every import that closes a circle, by a depth-first walk. */
function circles(): string[] {
  const [done, path, found] = [new Set<string>(), [] as string[], [] as string[]]
  const walk = (file: string): void => {
    if (path.includes(file)) found.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file)) return
    done.add(file)
    path.push(file)
    for (const { from, to } of imports) if (from === file) walk(fileOf(to))
    path.pop()
  }
  for (const file of sources) walk(file)
  return found
}

/** The public names lead back to files of ours. */
function fileOf(to: string): string {
  if (to === 'autodocops') return 'core/index.ts'
  return to.replace(/^autodocops\/(plugins\/.+)$/, '$1/contract.ts')
}

test('every file of core stands on a floor and knows only those below', () => {
  const broken = ofCore
    .filter(({ from, to }) => from !== 'core/index.ts' && to.startsWith('core/'))
    .filter(({ from, to }) => floorOf(from) < floorOf(to))

  assert.equal(show(broken), [])
  assert.equal(
    sources.filter((path) => path.startsWith('core/') && floorOf(path) < 0),
    [],
  )
})

test('nothing in core is loaded through the public face', () => {
  const broken = ofCore.filter(({ to }) => to === 'core/index.ts')

  assert.equal(show(broken), [])
})

test('prom-client is imported by the metrics plugin only, and the SDKs by their own', () => {
  const owners: Readonly<Record<string, string>> = {
    'prom-client': 'metrics',
    stripe: 'billing',
    openai: 'llm-chat',
    'koa-session': 'sessions',
    'koa-redis': 'sessions',
    jose: 'auth',
    '@electric-sql/pglite': 'database',
    'zod-openapi': 'docs',
  }
  const broken = imports.filter(({ from, to }) => {
    const name = Object.keys(owners).find((known) => to === known || to.startsWith(`${known}/`))
    return name !== undefined && !from.startsWith(`plugins/${owners[name]}/`)
  })

  assert.equal(show(broken), [])
})

test('only the core and the plugin that owns it read the environment', () => {
  const broken = sources
    .filter((path) => path.startsWith('plugins/'))
    .filter((path) => /\bprocess\.env\b|\bDeno\.env\b/.test(codeOf(read(path))))

  assert.equal(broken, [])
})

test('nobody writes to the console', () => {
  const broken = sources.filter((path) => /\bconsole\.\w+\(/.test(codeOf(read(path))))

  assert.equal(broken, [])
})

test('importing a module does nothing: no state and no call at its top level that acts', () => {
  const state = /^(?:export\s+)?(?:let|var)\s/m
  const act =
    /^(?:await\s|void\s|new\s|(?:set(?:Timeout|Interval|Immediate)|process\.on(?:ce)?)\()/m
  const broken = sources
    .filter((path) => path !== 'core/cli/main.ts' && !path.endsWith('-worker.ts'))
    .filter((path) => [state, act].some((pattern) => pattern.test(codeOf(read(path)))))

  assert.equal(broken, [])
})

test('no test is alone in the light: nothing is left focused', () => {
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `test/${name}`)
  const focused = new RegExp(`\\.${'only'}\\(`)

  assert.ok(tests.length > 50)
  assert.equal(
    tests.filter((path) => focused.test(read(path))),
    [],
  )
})

test('no room has a name that says nothing', () => {
  const nothing = new RegExp(`(^|/)(${rooms.join('|')})(/|\\.ts$)`)

  assert.equal(
    sources.filter((path) => nothing.test(path)),
    [],
  )
})

test.run()
