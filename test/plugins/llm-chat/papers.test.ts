import { readFileSync } from 'node:fs'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { config } from '../../../plugins/llm-chat/config.ts'
import { ChatErrors } from '../../../plugins/llm-chat/errors.ts'
import llmChat from '../../../plugins/llm-chat/index.ts'
import { metrics } from '../../../plugins/llm-chat/metrics.ts'
import { routes } from '../../../plugins/llm-chat/routes.ts'
import { root } from '../../harness/root.ts'

const readme = readFileSync(`${root}/plugins/llm-chat/README.md`, 'utf8')

/** The first cells of the table under a heading. */
function cells(heading: string): string[] {
  const section = readme.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, cell]) => cell ?? '')
}
const sorted = (values: readonly string[]) => values.toSorted()

test('the README names exactly the keys of the config', () => {
  assert.equal(sorted(cells('Config')), sorted(Object.keys(config.shape)))
})

test('the README names exactly the routes', () => {
  const table = routes({ route: (route: unknown) => route, config: config.parse({}) } as never)

  assert.equal(
    sorted(cells('Routes')),
    sorted(table.map(({ method, path }) => `${method} ${path}`)),
  )
})

test('the README names exactly the metrics', () => {
  assert.equal(sorted(cells('Metrics')), sorted(metrics.map(({ name }) => name)))
})

test('the README names exactly the errors, with their status', () => {
  const rows = [...readme.matchAll(/^\| `(\w+)` +\| (\d{3}) /gm)].map(
    ([, code, status]) => `${code} ${status}`,
  )

  assert.equal(
    sorted(rows),
    sorted(Object.values(ChatErrors).map(({ code, kind }) => `${code} ${kind.status}`)),
  )
})

test('the README names exactly the events that metrics listen to, and those that are counted by none', () => {
  const heard = new Set(metrics.flatMap(({ on }) => Object.keys(on)))

  assert.equal(
    sorted(cells('Events').filter((name) => name !== 'llm-chat:stream-started')),
    sorted([...heard]),
  )
  assert.is(llmChat.name, 'llm-chat')
})

test.run()
