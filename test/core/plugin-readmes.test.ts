/** A plugin's README tells of everything that its facts hold: no option, route, metric or verb is added in silence. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { builtInSources } from '../../core/sources.ts'
import { root } from '../harness/root.ts'

const all = [...builtInSources().values()].map(({ facts, load }) => ({ ...facts, load }))

test('there are plugins to look at', () => {
  assert.ok(all.length >= 10)
})

for (const { name, config, routes, metrics, commands, environment, load } of all) {
  const paper = readFileSync(join(root, 'plugins', name, 'README.md'), 'utf8')
  const untold = (names: readonly string[]) =>
    names.filter(
      (one) =>
        !new RegExp(`(?<![\\w-])${one.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')}(?![\\w-])`).test(
          paper,
        ),
    )

  test(`the README of ${name} tells of its row of the dashboard, and of what doctor looks at`, async () => {
    const { dashboard, doctor } = await load()

    if (dashboard !== undefined) assert.match(paper, `the row *${dashboard.title}*`)
    assert.is(/`autodocops doctor` (looks at|warns)/.test(paper), doctor !== undefined)
  })

  test(`the README of ${name} names every option, variable, route, metric and verb`, () => {
    const options = Object.keys((config['properties'] ?? {}) as object)

    assert.equal(untold(options), [])
    assert.equal(untold(environment), [])
    assert.equal(untold(routes.map((route) => route.split(' ').at(-1) ?? '')), [])
    assert.equal(untold(metrics), [])
    assert.equal(untold(commands.map((command) => command.name)), [])
  })
}

test.run()
