/** The tables of both READMEs are those of the code. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { E } from '../../../plugins/cache/errors.ts'
import cache from '../../../plugins/cache/index.ts'
import redis from '../../../plugins/redis/index.ts'

/** Two folders up from here, three from dist/. */
const root = fileURLToPath(new URL('../../../', import.meta.url)).replace(/dist\/$/, '')
const read = (name: string) => readFileSync(`${root}plugins/${name}/README.md`, 'utf8')

/** The first column of the table under a heading. */
const column = (text: string, heading: string): string[] =>
  [...(text.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| `([^`]+)`/gm)].map(
    ([, cell = '']) => cell,
  )

for (const plugin of [redis, cache]) {
  test(`the README of ${plugin.name} lists every config key and metric`, () => {
    const text = read(plugin.name)
    const { shape } = plugin.config as unknown as { shape: object }

    assert.equal(column(text, 'Config'), Object.keys(shape))
    assert.equal(
      column(text, 'Metrics'),
      plugin.metrics.map(({ name }) => name),
    )
  })

  test(`the README of ${plugin.name} lists every event of its contract`, () => {
    const contract = readFileSync(`${root}plugins/${plugin.name}/contract.ts`, 'utf8')
    const events = [...contract.matchAll(/^ {2}'([a-z]+:[a-z-]+)'/gm)].map(([, name]) => name)

    assert.equal(column(read(plugin.name), 'Events').toSorted(), events.toSorted())
  })
}

test('the README of cache lists every error, with its status', () => {
  const rows = [...read('cache').matchAll(/^\| `(cache_[a-z_]+)` +\| (\d{3}) /gm)]

  assert.equal(
    Object.fromEntries(rows.map(([, code, status]) => [code, Number(status)])),
    Object.fromEntries(Object.values(E).map(({ code, kind }) => [code, kind.status])),
  )
})

test('the README of cache lists every operations route', () => {
  const listed = [...read('cache').matchAll(/^\| `((?:GET|DELETE) \/admin[^?`]*)/gm)].map(
    ([, r]) => r,
  )
  const route = ((definition: object) => definition) as never
  const routes = cache.operations?.({ route, config: undefined as never }) ?? []

  assert.equal(
    listed,
    routes.map(({ method, path }) => `${method} ${path}`),
  )
})

test.run()
