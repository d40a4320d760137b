import { definePlugin, secret } from 'autodocops'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { routeClashes } from '../../core/clashes.ts'
import { contentKey } from '../../core/content-key.ts'
import type { PluginFacts, PluginSource } from '../../core/facts.ts'
import { PluginGraph } from '../../core/graph.ts'
import { Secret } from '../../core/secret.ts'
import { sourceOf } from '../../core/sources.ts'
import { inFolder, known, may, needs, planned, source } from './manifest-fixture.ts'

const world =
  'plugins: { projects: true, database: true, cache: true, billing: true, strict: false }'
const keysOf = async (yaml: string, env = {}) =>
  Object.fromEntries((await planned({ yaml, env })).plugins.map(({ name, key }) => [name, key]))

test('plugins come in the order of their start: by level, then by name', async () => {
  const { plugins } = await planned({ yaml: world })

  assert.equal(
    plugins.map(({ name, level, needs: below }) => [name, level, below]),
    [
      ['cache', 0, []],
      ['database', 0, []],
      ['billing', 1, ['database']],
      ['projects', 1, ['cache', 'database']],
    ],
  )
})

test('the order of a manifest changes neither the order of the start nor a key', async () => {
  const names = ['projects', 'database', 'cache', 'billing']
  const all = await planned({ yaml: world })
  const property = fc.asyncProperty(
    fc.shuffledSubarray(names, { minLength: names.length }),
    async (order) => {
      const made = await planned({
        yaml: `plugins: { ${order.map((n) => `${n}: true`).join(', ')} }`,
      })

      assert.is(made.hash, all.hash)
      assert.equal(
        made.plugins.map(({ name, key }) => [name, key]),
        all.plugins.map(({ name, key }) => [name, key]),
      )
    },
  )
  await fc.assert(property, { numRuns: 24 })
})

const changed = (before: Record<string, string>, after: Record<string, string>) =>
  Object.keys(after).filter((name) => before[name] !== after[name])

test('a change of config reaches the plugin and its dependants, and nobody else', async () => {
  const before = await keysOf(world)
  const after = await keysOf(world.replace('cache: true', 'cache: { config: { ttl: 5m } }'))

  assert.equal(changed(before, after), ['cache', 'projects'])
})

test('an optional provider that comes or goes changes its dependants', async () => {
  const before = await keysOf(world)
  const after = await keysOf(world.replace('cache: true', 'cache: false'))

  assert.equal(changed(before, after), ['projects'])
})

test('a secret counts for the key, and the same config in another spelling does not', async () => {
  const one = await keysOf('plugins: { database: { config: { password: "${P}", port: 1 } } }', {
    P: 'a',
  })
  const two = await keysOf('plugins: { database: { config: { port: 1, password: "${P}" } } }', {
    P: 'a',
  })
  const three = await keysOf('plugins: { database: { config: { password: "${P}", port: 1 } } }', {
    P: 'b',
  })

  assert.equal(one, two)
  assert.is.not(one['database'], three['database'])
})

test('what plugins see of the server counts for every key, the rest for none', async () => {
  const at = (server: string) => `server: { ${server} }\n${world}`
  const before = await keysOf(world)

  assert.is(changed(before, await keysOf(at('dataDir: ./elsewhere'))).length, 4)
  assert.is(changed(before, await keysOf(at('origins: [https://a.example]'))).length, 4)
  assert.is(changed(before, await keysOf(at('port: 1, drain: 1s'))).length, 0)
})

test('the hash of the whole tells any change of the server, the log and criticality', async () => {
  const hashes = await Promise.all(
    [
      world,
      `server: { port: 1 }\n${world}`,
      `log: { level: debug }\n${world}`,
      world.replace('cache: true', 'cache: { critical: false }'),
    ].map(async (yaml) => (await planned({ yaml })).hash),
  )

  assert.is(new Set(hashes).size, 4)
})

test('what is not planned is disabled: switched off, or not named', async () => {
  const { disabled } = await planned({ yaml: world })
  const names = disabled.map(({ name }) => name)

  assert.ok(names.includes('strict') && names.includes('other-cache'))
  assert.not(names.includes('cache'))
})

test('the code of no plugin is loaded, and the schema of a disabled one is not', async () => {
  const loaded: string[] = []
  const watched = (one: PluginSource): PluginSource => ({
    facts: one.facts,
    loadConfig: () => {
      loaded.push(one.facts.name)
      return one.loadConfig()
    },
    load: one.load,
  })
  const sources = new Map([...known].map(([name, one]) => [name, watched(one)]))
  await planned({ yaml: world, sources })

  assert.equal(loaded.toSorted(), ['billing', 'cache', 'database', 'projects'])
})

test('the faults of a disabled plugin are nobody’s business', async () => {
  const yaml =
    'plugins: { slack: { from: "npm:@acme/none", enabled: false, config: { token: "${NONE}" } } }'

  assert.equal((await planned({ yaml })).plugins, [])
})

test('critical is true unless the manifest says otherwise', async () => {
  const { plugins } = await planned({
    yaml: 'plugins: { cache: { critical: false }, database: true }',
  })

  assert.equal(
    plugins.map(({ critical }) => critical),
    [false, true],
  )
})

test('a plugin from a folder runs by its package.json, without its code', async () => {
  const facts = { name: 'reports', version: '2.0.0', core: '^1', requires: [{ id: 'db' }] }
  const files = {
    'config/reports/package.json': JSON.stringify({ type: 'module', autodocops: facts }),
    'config/reports/config.js': `import * as z from '${new URL(import.meta.resolve('zod')).href}'\nexport const config = z.strictObject({ every: z.string().default('day') })`,
    'config/reports/index.js': 'throw new Error("was loaded")',
  }
  const yaml = 'plugins: { database: true, reports: { from: ./reports } }'
  const { plugins } = await planned({ yaml, files })

  assert.equal(plugins.map(({ name, config }) => [name, config])[1], ['reports', { every: 'day' }])
  assert.equal(plugins[1]?.needs, ['database'])
})

test('a package is found from the manifest’s folder upwards, scoped ones too', async () => {
  const facts = { name: 'slack', version: '1.0.0', core: '^1', configModule: './schema.js' }
  const folder = 'node_modules/@acme/slack'
  const files = {
    [`${folder}/package.json`]: JSON.stringify({ type: 'module', exports: {}, autodocops: facts }),
    [`${folder}/schema.js`]: `import * as z from '${new URL(import.meta.resolve('zod')).href}'\nexport const config = z.strictObject({})`,
  }
  const yaml = 'plugins: { slack: { from: "npm:@acme/slack" } }'

  assert.equal(
    (await planned({ yaml, files })).plugins.map(({ name }) => name),
    ['slack'],
  )
})

test('a plugin at hand is a source: facts come from the value', async () => {
  const plugin = definePlugin({
    name: 'at-hand',
    version: '3.0.0',
    core: '^1',
    summary: 's',
    config: z.strictObject({
      token: secret().optional().meta({ env: 'AT_HAND' }),
      at: z.string().default('/x'),
    }),
    routes: ({ route, config }) => [
      route({
        method: 'GET',
        path: config.at,
        summary: 's',
        auth: 'public',
        limit: 'none',
        timeoutMs: 1,
        responses: {},
        handler: () => 1,
      }),
    ],
    commands: { hello: { summary: 'Greets', examples: [], run: () => 0 } },
    examples: { config: { valid: [{}], invalid: [] } },
  })
  const { facts, load, loadConfig } = sourceOf(plugin)

  assert.equal(facts.routes, ['GET /x'])
  assert.equal(facts.environment, ['AT_HAND'])
  assert.equal(facts.commands, [{ name: 'hello', summary: 'Greets' }])
  assert.is(
    (facts.config['properties'] as Record<string, { 'x-secret'?: boolean }>)['token']?.['x-secret'],
    true,
  )
  assert.is(await load(), plugin)
  assert.is(await loadConfig(), plugin.config)
})

test('a plugin that can do without the database does without its migrations', async () => {
  const keys = source({ name: 'keys', migrations: true, requires: may('db') })
  const sources = new Map([...known, ['keys', keys]])
  const alone = await planned({ yaml: 'plugins: { keys: true }', sources })
  const both = await planned({ yaml: 'plugins: { keys: true, database: true }', sources })

  assert.equal(alone.plugins[0]?.needs, [])
  assert.equal(both.plugins[1]?.needs, ['database'])
})

test('who has migrations stands on who runs them', async () => {
  const { plugins } = await planned({ yaml: 'plugins: { keeps: true, database: true }' })

  assert.equal(
    plugins.map(({ name, needs: below }) => [name, below]),
    [
      ['database', []],
      ['keeps', ['database']],
    ],
  )
})

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

test('a plan of one manifest is the same in two folders', async () => {
  const [one, two] = await Promise.all([planned({ yaml: world }), planned({ yaml: world })])

  assert.is(one.hash, two.hash)
})

test('a fault stands where the folder cannot be read either', async () => {
  await inFolder({ 'config/manifest.yaml/x': '' }, async (cwd) => {
    const { readManifest } = await import('../../core/manifest/read.ts')

    assert.equal(
      readManifest({ cwd, env: {} }).faults.map(({ code }) => code),
      ['E_MANIFEST_MISSING'],
    )
  })
})

test.run()
