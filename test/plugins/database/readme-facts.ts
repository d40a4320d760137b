import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import type { ProblemMaker } from 'autodocops'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { root } from '../../harness/root.ts'

interface Described {
  readonly name: string
  readonly config: object
  readonly metrics: readonly { readonly name: string; readonly labels: object }[]
  readonly commands: object
  readonly routes?: (
    builder: never,
  ) => readonly { readonly method: string; readonly path: string }[]
}

/** The rows of the table under a heading, without its first two lines; cells without back-ticks. */
function table(readme: string, heading: string): readonly (readonly string[])[] {
  const [, section = ''] = readme.split(`\n## ${heading}\n`)
  const [own = ''] = section.split('\n## ')
  const lines = own.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const bare = (cell = ''): string => cell.replaceAll('`', '')

/** A plugin's README says what its code says. */
export function readmeFacts(
  test: Test,
  plugin: Described,
  errors: Readonly<Record<string, ProblemMaker>>,
  config: object = {},
): void {
  const readme = readFileSync(join(root, 'plugins', plugin.name, 'README.md'), 'utf8')
  const { shape } = plugin.config as { shape: Record<string, { meta: () => { env?: unknown } }> }

  test(`the README of ${plugin.name} lists its config keys and their environment`, () => {
    const rows = table(readme, 'Config').map(([key, , env]) => [bare(key), bare(env)])

    const keys = Object.entries(shape).map(([key, schema]) => [key, schema.meta()?.env ?? ''])
    assert.ok(keys.length > 0)
    assert.equal(rows, keys)
  })

  test(`the README of ${plugin.name} lists its errors`, () => {
    const rows = table(readme, 'Errors').map(([code, status]) => [bare(code), Number(status)])

    assert.equal(
      rows,
      Object.values(errors).map(({ code, kind }) => [code, kind.status]),
    )
  })

  test(`the README of ${plugin.name} lists its metrics, commands and routes`, () => {
    const metrics = table(readme, 'Metrics').map(([name, labels]) => [bare(name), bare(labels)])
    const commands = table(readme, 'Commands').map(([line]) => bare(line).split(' ')[1])
    const routes = table(readme, 'Routes').map(([route]) => bare(route))
    const found = plugin.routes?.({ route: (given: unknown) => given, config } as never) ?? []

    assert.equal(
      metrics,
      plugin.metrics.map(({ name, labels }) => [name, Object.keys(labels).join(', ')]),
    )
    assert.equal(commands, Object.keys(plugin.commands))
    assert.equal(routes.toSorted(), found.map(({ method, path }) => `${method} ${path}`).toSorted())
  })
}
