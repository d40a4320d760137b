/** What differs from runtime to runtime is told to who runs the server: every test that knows one stands in docs/runtimes.md. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { root } from '../harness/root.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const page = read('docs/runtimes.md')

/** Differences of the tests themselves. */
const ofTests: Readonly<Record<string, string>> = {
  'test/core/cli-check.test.ts': 'Deno has no hook that sees which modules are loaded',
  'test/core/version-floors.test.ts': 'the security releases are those of Node',
  'test/core/runtimes.test.ts': 'this file',
  'test/plugins/llm-chat/loading.test.ts':
    'on Deno `fetch` is Deno’s own, which no dispatcher reaches',
}

const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((path) => path.endsWith('.test.ts'))

/** Lines that only choose how a child is started are no difference. */
function knowsRuntime(path: string): boolean {
  return read(path)
    .split('\n')
    .filter((line) => !/^import |'run', '-A'|isDeno = /.test(line))
    .some((line) => /\bisDeno\b|'Deno' in globalThis|process\.features/.test(line))
}

const knowing = files.filter((path) => knowsRuntime(path) && !(path in ofTests))

test('tests that know the runtime are seen', () => {
  assert.ok(knowing.length >= 5)
})

test('each of them is named by the page', () => {
  assert.equal(
    knowing.filter((path) => !page.includes(`\`${path}\``)),
    [],
  )
})

test('each test that the page names is there, and each of a table of Deno knows it', () => {
  const named = [...page.matchAll(/`(test\/[\w./-]+)` \|$/gm)].map(([, path]) => path ?? '')
  const [deno = ''] = page.slice(page.indexOf('## On Deno')).split('## On Node 20')
  const ofDeno = named.filter((path) => deno.includes(path))

  assert.ok(ofDeno.length >= 5)
  assert.equal(
    named.filter((path) => !files.includes(path)),
    [],
  )
  assert.equal(
    ofDeno.filter((path) => !knowsRuntime(path)),
    [],
  )
})

test('the page is linked from where the runtimes are promised', () => {
  for (const paper of ['README.md', 'ARCHITECTURE.md'])
    assert.match(read(paper), '](docs/runtimes.md)', paper)
})

test.run()
