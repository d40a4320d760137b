import Router from '@koa/router'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Dispatch, shapeOf } from '../../core/http/dispatch.ts'
import type { Method, Route } from '../../core/route.ts'

interface Spec {
  readonly method: Method
  readonly path: string
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const asked = [...methods, 'HEAD', 'OPTIONS'] as const

const literal = fc.constantFrom('a', 'b', 'A', 'api', 'Api', 'v1', 'x-y', 'x.y', 'x_y', '~t', 'ab')
const param = fc.constantFrom(':id', ':Id', ':name', ':a_1')
const path = fc
  .uniqueArray(fc.oneof({ weight: 3, arbitrary: literal }, param), {
    maxLength: 4,
    selector: (name) => (name.startsWith(':') ? name : Symbol('each literal may come again')),
  })
  .map((names) => `/${names.join('/')}`)
const spec = fc.record({ method: fc.constantFrom(...methods), path })
/** Routes of several plugins. */
const plugins = fc.array(fc.array(spec, { maxLength: 6 }), { minLength: 1, maxLength: 5 })

const piece = fc.oneof(
  literal,
  fc.constantFrom(
    '',
    'a%20b',
    '%41',
    '%2f',
    'é',
    'K',
    'ſ',
    'I',
    'ı',
    '1',
    'a;b',
    'a.b',
    ':id',
    '*',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 3 }),
)
const target = fc.array(piece, { maxLength: 5 }).map((pieces) => `/${pieces.join('/')}`)

/** Paths near the routes, since random ones rarely match. */
const near = (specs: readonly Spec[]) =>
  specs.length === 0
    ? target
    : fc
        .tuple(fc.constantFrom(...specs), fc.infiniteStream(piece), fc.boolean(), fc.boolean())
        .map(([{ path: template }, pieces, isUpper, hasSlash]) => {
          const filled = template.replaceAll(/:[^/]+/g, () => pieces.next().value ?? '')
          return (isUpper ? filled.toUpperCase() : filled) + (hasSlash ? '/' : '')
        })

const routeOf = ({ method, path: template }: Spec) => ({ method, path: template }) as Route

function dispatchOf(groups: readonly (readonly Spec[])[]): Dispatch<Spec> {
  const dispatch = new Dispatch<Spec>()
  for (const group of groups)
    dispatch.mount(group.map((one) => ({ route: routeOf(one), target: one })))
  return dispatch
}

function routerOf(specs: readonly Spec[]): Router {
  const router = new Router()
  for (const one of specs) router.register(one.path, [one.method], () => undefined)
  return router
}

const runs = 1_000 * Number(process.env['TEST_SCALE'] ?? 1)

test('a route is found exactly as one @koa/router with all routes finds it', () => {
  const world = plugins.chain((groups) =>
    fc.record({
      groups: fc.constant(groups),
      method: fc.constantFrom(...asked),
      path: fc.oneof(target, near(groups.flat())),
    }),
  )
  let matched = 0
  fc.assert(
    fc.property(world, ({ groups, method, path: wanted }) => {
      const specs = groups.flat()
      const router = routerOf(specs)

      const found = dispatchOf(groups).find(method, wanted)

      const layer = router.match(wanted, method).pathAndMethod[0]
      const expected = layer && specs[router.stack.indexOf(layer)]
      assert.is(found?.target, expected)
      if (layer === undefined) return
      matched++
      assert.equal({ ...found?.params }, layer.params(wanted, layer.captures(wanted)))
    }),
    { numRuns: runs, seed: 42 },
  )
  assert.ok(matched > runs / 10, `only ${matched} of ${runs} paths matched anything`)
})

test('the allowed methods are those that @koa/router would allow', () => {
  const world = plugins.chain((groups) =>
    fc.tuple(fc.constant(groups), fc.oneof(target, near(groups.flat()))),
  )
  fc.assert(
    fc.property(world, ([groups, wanted]) => {
      const allowed = dispatchOf(groups).allowed(wanted)

      const layers = routerOf(groups.flat()).match(wanted, 'GET').path
      assert.equal([...allowed].sort(), [...new Set(layers.flatMap((one) => one.methods))].sort())
    }),
    { numRuns: runs, seed: 43 },
  )
})

test('the route that was registered first answers', () => {
  const first = { method: 'GET', path: '/a/:id' } as const
  const second = { method: 'GET', path: '/a/b' } as const

  const found = dispatchOf([[first], [second]]).find('GET', '/a/b')

  assert.is(found?.target, first)
  assert.equal({ ...found?.params }, { id: 'b' })
})

test('HEAD finds the route of GET', () => {
  const only = { method: 'GET', path: '/a' } as const

  assert.is(dispatchOf([[only]]).find('HEAD', '/a')?.target, only)
})

test('a parameter is decoded, and one that cannot be stays as it is', () => {
  const dispatch = dispatchOf([[{ method: 'GET', path: '/a/:id' }]])

  assert.is(dispatch.find('GET', '/a/x%20y')?.params['id'], 'x y')
  assert.is(dispatch.find('GET', '/a/%zz')?.params['id'], '%zz')
})

for (const wrong of [
  'a',
  '/a/{:b}',
  '/a/*rest',
  '/a/:id.json',
  '/a/(b)',
  '/a b',
  '/é',
  '//a',
  '/a/',
])
  test(`the path '${wrong}' is refused, because only literals and :names are taken`, () => {
    assert.throws(() => dispatchOf([[{ method: 'GET', path: wrong }]]), /literal segments/)
  })

test('two routes have one shape when one hides the other', () => {
  const shape = (path_: string) => shapeOf({ method: 'GET', path: path_ })

  assert.is(shape('/a/:id/B'), shape('/A/:name/b'))
  assert.is.not(shape('/a/:id'), shape('/a/b'))
})

test.run()
