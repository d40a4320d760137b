/** What the alert rules owe besides their own tests, which promtool runs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'

import { root } from '../harness/root.ts'
import { charts, dashboards } from './dashboard-files.ts'
import { alerts, families, recorded } from './metric-names.ts'

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

const runbooks = names.map((name) => ({ name, text: read(`docs/runbooks/${name}.md`) }))
/** `name: what is named, and is not there`. */
const strangers = (found: RegExp, isKnown: (word: string) => boolean) =>
  runbooks.flatMap(({ name, text }) =>
    [...text.replaceAll(/^```sh\n[\s\S]*?^```/gm, '').matchAll(found)]
      .map(([, word = '']) => word)
      .filter((word) => !isKnown(word))
      .map((word) => `${name}: ${word}`),
  )

test('every panel and every other alert that a runbook names exists', () => {
  const titles = [...charts, ...dashboards].map(({ title }) => title)

  assert.equal(
    strangers(/(?<![:`])"([A-Za-z][^"`]+)"/g, (word) => titles.includes(word)),
    [],
  )
  assert.equal(
    strangers(/\balert ([A-Z]\w+)/g, (word) => names.includes(word)),
    [],
  )
})

test('every key, code, label, file and variable that a runbook names is in the reference', () => {
  const plugins = readdirSync(join(root, 'plugins'), { withFileTypes: true })
  const reference = [
    ...plugins.filter((one) => one.isDirectory()).map(({ name }) => `plugins/${name}/README.md`),
    ...['docs/configuration.md', '.env.example', 'core/log.ts', 'core/http/errors.ts'],
    'plugins/billing/event-log.ts',
  ].map(read)
  const files = readdirSync(join(root, 'monitoring/prometheus'))
  const all = [...reference, ...files, JSON.stringify(families)].join('\n')
  const ofPostgres = ['wait_event_type']
  const isKnown = (word: string) =>
    ofPostgres.includes(word) ||
    all.includes(word) ||
    new RegExp(`\\b${word.split('.').at(-1)}\\b`).test(all)

  assert.equal(strangers(/`([a-z]\w*(?:[._][\w]+|[A-Z]\w*)+)`/g, isKnown), [])
  assert.equal(strangers(/`([A-Z][A-Z_]+)`/g, isKnown), [])
})

test('rules read our own job alone', () => {
  for (const { expr, alert, record } of [...alerts, ...recorded]) {
    for (const selector of expr.match(/\{[^}]*\}/g) ?? []) {
      assert.match(selector, 'job="autodocops"', alert ?? record)
    }
  }
})

test.run()
