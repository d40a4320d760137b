import process from 'node:process'
import { fileURLToPath } from 'node:url'

import { definePlugin, isProblem, secret } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { outsideSource, sourceOf } from '../../core/sources.ts'
import { isDeno } from '../harness/root.ts'
import { faultsOf, inFolder, planned } from './manifest-fixture.ts'

/** A plugin as somebody writes it outside of this repository, where `autodocops` would be installed. */
const code = (more = '') => `
import { definePlugin, service } from '${import.meta.resolve('autodocops')}'
import * as z from '${import.meta.resolve('zod')}'
export const config = z.strictObject({ every: z.string().default('day').describe('How often.') })
export default definePlugin({
  name: 'reports', version: '1.0.0', core: '^1', summary: 's', config, ${more}
  examples: { config: { valid: [{}], invalid: [] } },
})`
const facts = { name: 'reports', version: '1.0.0', core: '^1' }
const packed = (given: object) => JSON.stringify({ type: 'module', autodocops: given })
const yaml = 'plugins: { reports: { from: ./reports } }'

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

test('what a compiler made for CommonJS runs, its default export and its config', async () => {
  const transpiled = `
'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
const [{ definePlugin }, z] = [require('${fileURLToPath(import.meta.resolve('autodocops'))}'), require('${fileURLToPath(import.meta.resolve('zod'))}')]
exports['con' + 'fig'] = z.strictObject({ every: z.string().default('day').describe('How often.') })
exports.default = definePlugin({
  name: 'reports', version: '1.0.0', core: '^1', summary: 's', config: exports.config,
  examples: { config: { valid: [{}], invalid: [] } },
})`
  const described = { ...facts, plugin: './index.cjs', configModule: './index.cjs' }
  const files = {
    'config/reports/package.json': packed(described),
    'config/reports/index.cjs': transpiled,
  }
  const { plugins } = await planned({ yaml, files })
  const plugin = await plugins[0]?.source.load()

  assert.equal(plugins[0]?.config, { every: 'day' })
  assert.is(plugin?.name, 'reports')
})

const typed = `${code()}\nexport const aged: number = 1`
const runsTypeScript = isDeno || Boolean((process.features as { typescript?: unknown }).typescript)
const refusal =
  /E_PLUGIN_LOAD .*index\.ts is TypeScript, or loads some.*\n +hint: Compile it to JavaScript/

test('a folder of TypeScript runs where the runtime strips types, and is a fault that says so where not', async () => {
  const files = { 'config/reports/index.ts': typed }

  const faults = (await faultsOf({ yaml, files })).join()

  if (runsTypeScript) assert.is(faults, '')
  else assert.match(faults, refusal)
})

test('TypeScript in node_modules, which no runtime runs, is told in the same words', async () => {
  const files = {
    'node_modules/reports/package.json': packed({
      ...facts,
      plugin: './index.ts',
      configModule: './index.ts',
    }),
    'node_modules/reports/index.ts': typed,
  }
  const faults = await faultsOf({ yaml: 'plugins: { reports: { from: "npm:reports" } }', files })

  assert.match(faults.join(), refusal)
})

for (const [what, more, given] of [
  ['a newer version', '', { version: '1.1.0' }],
  ['a service that it requires', "requires: { db: service('db').of() },", {}],
  ['a service that it provides', '', { provides: ['reports'] }],
  ['migrations', 'migrations: new URL("./migrations/", import.meta.url),', {}],
] as const)
  test(`code that differs from its package.json in ${what} is not started`, async () => {
    const files = {
      'reports/package.json': packed({ ...facts, ...given, configModule: './index.js' }),
      'reports/index.js': code(more),
    }
    await inFolder(files, async (folder) => {
      const source = await outsideSource('./reports', folder)
      const refused = await source.load().then(
        () => undefined,
        (error: unknown) => error,
      )

      assert.ok(isProblem(refused))
      assert.is(refused.code, 'plugin_facts_stale')
      assert.match(String(refused.hint), 'plugins --facts')
    })
  })

test('code that is as its package.json says is started', async () => {
  const given = { ...facts, requires: [{ id: 'db' }, { id: 'cache', optional: true }] }
  const more = "requires: { c: { id: 'cache', optional: true }, d: service('db').of() },"
  const files = { 'reports/package.json': packed(given), 'reports/index.js': code(more) }

  const plugin = await inFolder(files, async (folder) =>
    (await outsideSource('./reports', folder)).load(),
  )

  assert.is(plugin.name, 'reports')
})

test('the same name from another place is another plugin', async () => {
  const files = {
    'config/reports/package.json': packed({ ...facts, configModule: './index.js' }),
    'config/reports/index.js': code(),
    'config/other/package.json': packed({ ...facts, configModule: './index.js' }),
    'config/other/index.js': code(),
  }
  const one = await planned({ yaml, files })
  const two = await planned({ yaml: yaml.replace('./reports', './other'), files })

  assert.is.not(one.plugins[0]?.key, two.plugins[0]?.key)
  assert.is.not(one.hash, two.hash)
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
  assert.equal(facts.commands, [
    { name: 'hello', summary: 'Greets', positionals: [], options: {}, examples: [] },
  ])
  assert.is(
    (facts.config['properties'] as Record<string, { 'x-secret'?: boolean }>)['token']?.['x-secret'],
    true,
  )
  assert.is(await load(), plugin)
  assert.is(await loadConfig(), plugin.config)
})

test.run()
