import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { readManifest } from '../../core/manifest/read.ts'
import { pathOf, pathText } from '../../core/manifest/tree.ts'
import { root } from '../harness/root.ts'
import { inFolder, type Environment } from './manifest-fixture.ts'

const merged = (base: string, over: string, env: Environment = { NODE_ENV: 'production' }) =>
  inFolder({ 'config/manifest.yaml': base, 'config/manifest.production.yaml': over }, (cwd) =>
    readManifest({ cwd, env }),
  )

const table: readonly (readonly [title: string, base: string, over: string, result: unknown])[] = [
  ['maps merge', 'a: { b: 1, c: 2 }', 'a: { c: 3, d: 4 }', { a: { b: 1, c: 3, d: 4 } }],
  ['scalars replace', 'a: 1', 'a: two', { a: 'two' }],
  ['lists replace', 'a: [1, 2, 3]', 'a: [4]', { a: [4] }],
  ['null deletes', 'a: { b: 1, c: 2 }', 'a: { b: null }', { a: { c: 2 } }],
  ['null deletes a whole map', 'a: { b: 1 }\nc: 1', 'a:', { c: 1 }],
  ['a map replaces a scalar', 'a: true', 'a: { b: 1 }', { a: { b: 1 } }],
  ['a scalar replaces a map', 'a: { b: 1 }', 'a: false', { a: false }],
  ['what comes out empty is as if not written', 'a: 1', 'a: "${NOBODY:-}"', { a: 1 }],
  ['what the overlay adds is there', 'a: 1', 'b: 2', { a: 1, b: 2 }],
  ['an empty overlay changes nothing', 'a: 1', '# nothing', { a: 1 }],
]

for (const [title, base, over, result] of table) {
  test(title, async () => {
    assert.equal((await merged(base, over)).value([]), result)
  })
}

test('a missing variable of a value that the overlay replaces is nobody’s fault', async () => {
  const manifest = await merged('a: "${NOBODY}"', 'a: 1')

  assert.equal(manifest.interpolationFaults([]), [])
})

test('AUTODOCOPS_PROFILE picks another overlay than NODE_ENV does', async () => {
  const files = {
    'config/manifest.yaml': 'a: base',
    'config/manifest.production.yaml': 'a: production',
    'config/manifest.eu.yaml': 'a: eu',
  }
  await inFolder(files, (cwd) => {
    const read = (env: Environment) => readManifest({ cwd, env })
    const both = read({ NODE_ENV: 'production', AUTODOCOPS_PROFILE: 'eu' })

    assert.is(both.value(['a']), 'eu')
    assert.ok(both.production)
    assert.is(read({ NODE_ENV: 'production' }).value(['a']), 'production')
    assert.is(read({ NODE_ENV: 'test' }).value(['a']), 'base')
    assert.not(read({ AUTODOCOPS_PROFILE: 'production' }).production)
  })
})

test('AUTODOCOPS_MANIFEST names another file, whose overlay stands beside it', async () => {
  const files = {
    'config/manifest.yaml': 'a: default',
    'etc/app.yaml': 'a: other',
    'etc/app.production.yaml': 'b: 1',
    '.env': 'AUTODOCOPS_MANIFEST=etc/app.yaml',
  }
  await inFolder(files, (cwd) => {
    const manifest = readManifest({ cwd, env: { NODE_ENV: 'production' } })

    assert.equal(manifest.value([]), { a: 'other', b: 1 })
    assert.is(manifest.file, 'etc/app.yaml')
    assert.ok(manifest.folder.endsWith('etc'))
    assert.is(manifest.files.length, 2)
  })
})

test('a folder without a manifest runs on the built-in one, under an overlay of its own', async () => {
  await inFolder({ 'config/manifest.eu.yaml': 'server: { port: 1 }' }, (cwd) => {
    const manifest = readManifest({ cwd, env: { AUTODOCOPS_PROFILE: 'eu' } })

    assert.is(manifest.value(['server', 'port']), 1)
    assert.ok(manifest.keys(['plugins']).includes('database'))
    assert.not(readManifest({ cwd, env: { NODE_ENV: 'production' } }).value(['plugins', 'docs']))
  })
})

test('the built-in manifest is the folder’s own in the folder of the package', async () => {
  await inFolder({}, (cwd) => assert.ok(readManifest({ cwd, env: {} }).isBuiltIn))
  assert.not(readManifest({ cwd: root, env: {} }).isBuiltIn)
})

test('YAML’s merge key and aliases are understood', async () => {
  const yaml = 'base: &b { x: 1, y: 2 }\none: { <<: *b, y: 3 }\ntwo: *b\nthree: { <<: [*b], z: 4 }'
  const manifest = await merged(yaml, '')

  assert.equal(manifest.value(['one']), { x: 1, y: 3 })
  assert.equal(manifest.value(['two']), { x: 1, y: 2 })
  assert.equal(manifest.value(['three']), { x: 1, y: 2, z: 4 })
})

test('aliases that grow without bound are refused, quickly', async () => {
  const names = 'bcdefghij'.split('')
  const lines = names.map((name, index) => {
    const below = index === 0 ? 'a' : (names[index - 1] ?? '')
    return `${name}: &${name} [${`*${below}, `.repeat(9)}*${below}]`
  })
  const manifest = await merged(['a: &a [1, 2]', ...lines].join('\n'), '')

  assert.equal(
    manifest.faults.map(({ message }) => message),
    ['the manifest has more than 20000 values'],
  )
})

test('a path is written and read back', () => {
  const paths = [
    ['server', 'port'],
    ['plugins', 'llm-chat', 'config', 'models', 'gpt-4.1 mini', 'targets', 0, 'x'],
    ['a', 'say "hi"\\', 1],
  ]
  for (const path of paths) assert.equal(pathOf(pathText(path)), path)
  assert.is(pathText(['a', 'b', 0, 'c d']), 'a.b[0]["c d"]')
})

test.run()
