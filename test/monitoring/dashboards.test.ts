/** The rules of Grafana's dashboard linter that fit, those of provisioning, and names that cannot drift. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { runtimeFamilies } from '../../monitoring/dashboards/runtime-families.ts'
import { allPanels, charts, dashboards, queries } from './dashboard-files.ts'
import { alerts, families, familyOf, parsed, recorded } from './metric-names.ts'

const kept = <T>(list: readonly T[], isBroken: (one: T) => boolean) => list.filter(isBroken)
const units = ['short', 's', 'bytes', 'percentunit', 'currencyUSD', 'reqps', 'ops', 'eps']

/** What Prometheus itself adds for a target. */
const ofPrometheus = ['up', 'scrape_samples_scraped', 'scrape_duration_seconds']

test('there are two dashboards, with the promised names and panels', () => {
  assert.equal(
    dashboards.map(({ uid, title }) => `${uid}: ${title}`),
    [
      'autodocops-api-latency: AutoDocOps API Latency Dashboard',
      'autodocops-plugins: Plugins and dependencies',
    ],
  )
  assert.ok(queries.length > 70, `${queries.length}`)
})

test('nothing of them needs a person to import it or lets one change it', () => {
  for (const { uid, editable, id, __inputs: inputs } of dashboards) {
    assert.match(uid, /^[a-z-]{8,40}$/)
    assert.is(editable, false)
    assert.is(id ?? null, null)
    assert.is(inputs, undefined)
  }
})

test('the data source is a variable; job and instance choose several, all by .+', () => {
  for (const { templating } of dashboards) {
    const [source, ...choices] = templating.list
    assert.is(source?.name, 'datasource')
    assert.is(source?.type, 'datasource')
    assert.equal(
      choices.map(({ name, multi, allValue, refresh }) => ({ name, multi, allValue, refresh })),
      ['job', 'instance'].map((name) => ({ name, multi: true, allValue: '.+', refresh: 2 })),
    )
  }
  assert.equal(
    kept(charts, ({ datasource }) => datasource?.uid !== '${datasource}'),
    [],
  )
})

test('every panel has a title, a description, a unit and a query', () => {
  const broken = kept(
    charts,
    ({ title, description = '', fieldConfig, targets = [] }) =>
      title === '' ||
      description.length < 10 ||
      !units.includes(fieldConfig?.defaults.unit ?? '') ||
      targets.length === 0,
  )

  assert.equal(broken, [])
  assert.is(new Set(charts.map(({ title }) => title)).size, charts.length)
})

test('ids are unique, and no panel lies on another or outside', () => {
  for (const dashboard of dashboards) {
    const ids = allPanels(dashboard).map(({ id }) => id)
    assert.is(new Set(ids).size, ids.length)
    for (const level of [dashboard.panels, ...dashboard.panels.map(({ panels = [] }) => panels)]) {
      const cells = level.flatMap(({ gridPos: { x, y, w, h } }) => {
        assert.ok(x + w <= 24)
        return Array.from({ length: w * h }, (_, at) => `${x + (at % w)}:${y + Math.floor(at / w)}`)
      })
      assert.is(new Set(cells).size, cells.length, dashboard.title)
    }
  }
})

test('every query obeys job and instance, and rates take the interval of the data source', () => {
  for (const { name, expr } of queries) {
    const selectors = expr.match(/\{[^}]*\}/g) ?? []
    assert.ok(selectors.length > 0, name)
    for (const one of selectors) assert.match(one, 'job=~"$job",instance=~"$instance"', name)
    for (const [, range] of expr.matchAll(/(?:rate|increase)\(\w+\{[^}]*\}\[([^\]]+)\]/g)) {
      assert.is(range, '$__rate_interval', name)
    }
  }
})

test('a counter is read only as a rate, and no bucket by a whole number alone', () => {
  const counters = families.filter(({ kind }) => kind === 'counter').map(({ name }) => name)
  for (const { name, expr } of queries) {
    for (const counter of counters.filter((one) => expr.includes(`${one}{`))) {
      const all = expr.split(`${counter}{`).length - 1
      const rates = expr.split(`rate(${counter}{`).length - 1
      assert.is(rates, all, name)
    }
    // Prometheus 3 calls le="1" le="1.0".
    assert.not.match(expr, /le="\d+"/, name)
  }
})

test('every expression of dashboards and rules is PromQL', () => {
  const all = [...queries, ...recorded, ...alerts].map(({ expr }) => expr)

  assert.equal(
    kept(all, (expr) => parsed(expr).isBroken),
    [],
  )
  assert.ok(parsed('sum(rate(a[5m])').isBroken, 'an open bracket is seen')
})

const readBy = (exprs: readonly { readonly expr: string }[]) =>
  new Set(exprs.flatMap(({ expr }) => parsed(expr).metrics).map(familyOf))

test('dashboards and rules read only metrics that there are', () => {
  const known = new Set([
    ...ofPrometheus,
    ...families.map(({ name }) => name),
    ...runtimeFamilies.map(({ name }) => name),
    ...recorded.map(({ record = '' }) => record),
  ])
  const runtime = new Map(runtimeFamilies.map(({ name }) => [`${name}_count`, name]))
  const read = [...readBy([...queries, ...recorded, ...alerts])].map(
    (name) => runtime.get(name) ?? name,
  )

  assert.ok(read.length > 50)
  assert.equal(
    kept(read, (name) => !known.has(name)),
    [],
  )
})

test('every metric that is declared is charted', () => {
  const read = readBy(queries)

  assert.ok(families.length > 50, `${families.length}`)
  assert.equal(
    families.map(({ name }) => name).filter((name) => !read.has(name)),
    [],
  )
})

test.run()
