/** What the papers name exists: paths, links, commands, verbs, plugins. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { root } from '../harness/root.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const decisions = readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`)
const guides = readdirSync(join(root, 'docs/guides'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/guides/${name}`)
const papers = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
  'docs/runtimes.md',
  ...decisions,
  ...guides,
]

interface PluginFact {
  readonly name: string
  readonly summary: string
  readonly commands: readonly { readonly name: string }[]
}
const { plugins } = JSON.parse(read('plugins/index.json')) as { plugins: readonly PluginFact[] }
const { scripts } = JSON.parse(read('package.json')) as {
  scripts: Readonly<Record<string, string>>
}

/** Every match of a pattern in every paper, as `paper: what it says`, that a check does not accept. */
const broken = (pattern: RegExp, isGood: (found: string, paper: string) => boolean): string[] =>
  papers.flatMap((paper) =>
    [...read(paper).matchAll(pattern)]
      .map(([, found]) => found ?? '')
      .filter((found) => !isGood(found, paper))
      .map((found) => `${paper}: ${found}`),
  )

test('the papers are seen, and they name paths, commands and verbs', () => {
  const all = papers.map(read).join('\n')

  assert.ok(papers.length > 10)
  assert.match(all, '`core/plan.ts`')
  assert.match(all, 'npm run check')
  assert.match(all, 'autodocops plan')
})

test('every path of ours that a paper names exists', () => {
  const path = /`((?:core|plugins|config|monitoring|test|scripts|docs)\/[\w./-]*)`/g

  assert.equal(
    broken(path, (found) => existsSync(join(root, found))),
    [],
  )
})

test('every relative link leads somewhere', () => {
  const link = /\]\((?!https?:|#)([^)#]+)[^)]*\)/g

  assert.equal(
    broken(link, (found, paper) => existsSync(join(root, dirname(paper), found))),
    [],
  )
})

test('every npm script that a paper calls exists', () => {
  const ours = (found: string) => found in scripts

  assert.equal(broken(/\bnpm run (?:--\w+ )?(\w+)/g, ours), [])
  assert.equal(broken(/\bnpm (start|test)\b/g, ours), [])
})

test('every verb that a paper calls exists', () => {
  const verbs = new Set([
    ...readdirSync(join(root, 'core/cli')).map((file) => file.replace('.ts', '')),
    ...plugins.flatMap(({ commands }) => commands.map(({ name }) => name)),
  ])

  assert.equal(
    broken(/(?:scripts\/|npx |`)autodocops ([a-z][\w-]*)/g, (found) => verbs.has(found)),
    [],
  )
})

test('the README lists exactly the plugins that there are, each by its own summary', () => {
  const rows = [...read('README.md').matchAll(/^\| \[([\w-]+)\]\(plugins\/.*\) \| (.+) \|$/gm)]

  assert.equal(
    rows.map(([, name, summary]) => `${name}: ${summary}`),
    plugins.map(({ name, summary }) => `${name}: ${summary}`),
  )
})

test('the changelog has Unreleased on top', () => {
  const [first] = [...read('CHANGELOG.md').matchAll(/^## (.+)$/gm)]

  assert.is(first?.[1], 'Unreleased')
})

test.run()
