import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { changedLines, switched } from '../../core/manifest/edit.ts'

const manifest = `# ours
server: { port: 8080 } # the port

plugins:
  cache: true # in memory
  docs:
  slack: { from: "npm:@acme/slack", config: { token: "\${SLACK}" } }
  billing:
    # paid for
    critical: false
    config: { plans: { pro: { prices: ["\${PRICE}"] } } }
  reports: { enabled: false, from: ./reports }
# the end
`

const cases: readonly (readonly [string, boolean, string, string])[] = [
  ['cache', false, '  cache: true # in memory', '  cache: false # in memory'],
  ['docs', false, '  docs:\n', '  docs: false\n'],
  ['slack', false, '{ from: "npm', '{ enabled: false, from: "npm'],
  ['reports', true, '{ enabled: false, from', '{ enabled: true, from'],
  ['billing', false, '    critical: false', '    enabled: false\n    critical: false'],
  ['metrics', true, './reports }\n', './reports }\n  metrics: true\n'],
]
for (const [plugin, on, before, after] of cases) {
  test(`switching '${plugin}' ${on ? 'on' : 'off'} writes the switch and nothing else`, () => {
    assert.is(switched(manifest, plugin, on), manifest.replace(before, after))
  })
}

test('what is so already is not written', () => {
  assert.is(switched(manifest, 'cache', true), undefined)
  assert.is(switched(manifest, 'reports', false), undefined)
})

test('a manifest without plugins gets some', () => {
  assert.is(switched('server: {}\n', 'cache', true), 'server: {}\n\nplugins:\n  cache: true\n')
})

test('plugins on one line get one more on that line', () => {
  assert.is(
    switched('plugins: { a: true } # few\n', 'b', true),
    'plugins: { a: true, b: true } # few\n',
  )
  assert.is(switched('plugins: {}\n', 'b', true), 'plugins: { b: true }\n')
  assert.is(
    switched('plugins:\n  { a: { enabled: false } }\n', 'b', false),
    'plugins:\n  { a: { enabled: false }, b: false }\n',
  )
})

test('the diff is the lines that changed', () => {
  const after = switched(manifest, 'cache', false) ?? ''

  assert.equal(changedLines(manifest, after), [
    { sign: '-', line: 5, text: '  cache: true # in memory' },
    { sign: '+', line: 5, text: '  cache: false # in memory' },
  ])
})

test.run()
