/** What the alert rules owe besides their own tests, which promtool runs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'

import { root } from '../harness/root.ts'
import { alerts, recorded } from './metric-names.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const names = alerts.map(({ alert = '' }) => alert)

interface AlertCase {
  readonly alertname: string
  readonly exp_alerts?: readonly unknown[]
}
const { tests } = parse(read('monitoring/prometheus/rules.test.yml')) as {
  tests: readonly { readonly alert_rule_test?: readonly AlertCase[] }[]
}
const cases = tests.flatMap(({ alert_rule_test: some = [] }) => some)

test('every alert has a case in which it fires and one in which it is silent', () => {
  const fires = cases.filter(({ exp_alerts: some = [] }) => some.length > 0)
  const silent = cases.filter(({ exp_alerts: some = [] }) => some.length === 0)

  assert.ok(names.length >= 14)
  for (const list of [fires, silent]) {
    assert.equal([...new Set(list.map(({ alertname }) => alertname))].toSorted(), names.toSorted())
  }
})

test('every alert says how urgent it is, what happened, and where to read on', () => {
  for (const { alert = '', labels, annotations } of alerts) {
    assert.match(labels?.severity ?? '', /^(page|ticket)$/, alert)
    assert.ok((annotations?.summary ?? '').length > 10, alert)
    assert.is(annotations?.runbook_url, `docs/runbooks/${alert}.md`)
    assert.ok(existsSync(join(root, `docs/runbooks/${alert}.md`)), alert)
  }
})

test('every runbook belongs to an alert, and has the four parts', () => {
  const pages = readdirSync(join(root, 'docs/runbooks'))

  assert.equal(pages.toSorted(), names.map((name) => `${name}.md`).toSorted())
  for (const page of pages) {
    const headings = [...read(`docs/runbooks/${page}`).matchAll(/^## (.+)$/gm)].map(
      ([, text]) => text,
    )
    assert.equal(headings, ['What it means', 'First look', 'Likely causes', 'What to do'], page)
  }
})

test('every verb that a runbook calls exists', () => {
  const { plugins } = JSON.parse(read('plugins/index.json')) as {
    plugins: readonly { readonly commands: readonly { readonly name: string }[] }[]
  }
  const verbs = new Set([
    ...readdirSync(join(root, 'core/cli')).map((file) => file.replace('.ts', '')),
    ...plugins.flatMap(({ commands }) => commands.map(({ name }) => name)),
  ])
  const called = names.flatMap((name) =>
    [...read(`docs/runbooks/${name}.md`).matchAll(/^(?:.*`)?autodocops ([a-z-]+)/gm)].map(
      ([, verb = '']) => verb,
    ),
  )

  assert.ok(called.length > 20)
  assert.equal(
    called.filter((verb) => !verbs.has(verb)),
    [],
  )
})

test('rules read our own job alone', () => {
  for (const { expr, alert, record } of [...alerts, ...recorded]) {
    for (const selector of expr.match(/\{[^}]*\}/g) ?? []) {
      assert.match(selector, 'job="autodocops"', alert ?? record)
    }
  }
})

test.run()
