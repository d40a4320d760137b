import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { routeClashes } from '../../core/clashes.ts'
import { contentKey } from '../../core/content-key.ts'
import type { PluginFacts } from '../../core/facts.ts'
import { PluginGraph } from '../../core/graph.ts'
import { Secret } from '../../core/secret.ts'
import { needs, source } from './manifest-fixture.ts'

const graphOf = (edges: readonly (readonly number[])[]) =>
  new PluginGraph(
    edges.map((below, index): PluginFacts => {
      const id = `p${String(index).padStart(2, '0')}`
      const ids = below.map((other) => `p${String(other).padStart(2, '0')}`)
      return source({ name: id, provides: [id], requires: needs(...ids) }).facts
    }),
    [],
  )

test('in any graph without a cycle, everybody starts after what it needs', () => {
  const acyclic = fc.array(fc.array(fc.nat({ max: 99 }), { maxLength: 4 }), { maxLength: 25 })
  fc.assert(
    fc.property(acyclic, (raw) => {
      const edges = raw.map((below, index) => below.filter((other) => other < index))
      const { nodes, faults } = graphOf(edges)
      const levels = new Map(nodes.map(({ name, level }) => [name, level]))

      assert.equal(faults, [])
      assert.is(nodes.length, edges.length)
      for (const { level, needs: below } of nodes) {
        assert.is(level, Math.max(-1, ...below.map((name) => levels.get(name) ?? 99)) + 1)
      }
    }),
  )
})

test('in any graph, what cannot start stands on a cycle that is told, and every told cycle is one', () => {
  const any = fc.integer({ min: 1, max: 10 }).chain((size) =>
    fc.array(fc.array(fc.nat({ max: size - 1 }), { maxLength: 3 }), {
      minLength: size,
      maxLength: size,
    }),
  )
  fc.assert(
    fc.property(any, (edges) => {
      const { nodes, faults } = graphOf(edges)

      assert.is(nodes.length < edges.length, faults.length > 0)
      for (const { code, plugins } of faults) {
        assert.is(code, 'E_CYCLE')
        for (const [index, name] of plugins.entries()) {
          const next = plugins[(index + 1) % plugins.length] ?? ''
          assert.ok(edges[Number(name.slice(1))]?.includes(Number(next.slice(1))))
        }
      }
    }),
  )
})

test('routes clash by method and shape, whatever their parameters are called', () => {
  const tables = [
    { plugin: 'a', routes: ['GET /x/:id', 'POST /x/:id', 'operations GET /y', 'GET /f/*rest'] },
    {
      plugin: 'b',
      routes: ['GET /x/:name', 'GET /x/me', 'GET /y', 'GET /f/*all', 'DELETE /x/:id'],
    },
  ]

  assert.equal(
    routeClashes(tables).map(({ plugins, message }) => [plugins, message]),
    [
      [['b', 'a'], "route 'GET /x/:name' is answered by 'a' already"],
      [['b', 'a'], "route 'GET /f/*all' is answered by 'a' already"],
    ],
  )
})

test('a content key tells types and values apart, and not the order of keys', () => {
  const different = [
    1,
    '1',
    true,
    'true',
    null,
    [1],
    ['1'],
    {},
    [],
    { a: 1 },
    { a: '1' },
    new Secret('1'),
    new Map([[1, 2]]),
    /a/,
    /a/g,
    1n,
    new Date(0),
  ]

  assert.is(new Set(different.map(contentKey)).size, different.length)
  assert.is(contentKey({ a: 1, b: { c: 2, d: undefined } }), contentKey({ b: { c: 2 }, a: 1 }))
})

test.run()
