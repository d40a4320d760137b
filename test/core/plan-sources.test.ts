import { definePlugin, secret } from 'autodocops'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { sourceOf } from '../../core/sources.ts'
import { planned } from './manifest-fixture.ts'

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

test.run()
