import { Secret, type secret } from 'autodocops'
import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import * as z from 'zod'

import { fitsCore } from '../../core/plan.ts'
import { configJsonSchema, type PluginSource } from '../../core/facts.ts'
import { faultsOf, inFolder, known, may, planned, source } from './manifest-fixture.ts'

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

test('a secret that another copy of this package made is one: it counts for the key and is hidden', async () => {
  const here = import.meta.resolve('autodocops')
  const copy = new URL(here.endsWith('.ts') ? './secret.ts?copy' : './secret.js?copy', here).href
  const theirs = (await import(copy)) as { secret: typeof secret }
  const config = z.strictObject({ token: theirs.secret({ minBytes: 4 }).describe('T') })
  const sources = new Map([['outside', source({ name: 'outside' }, config)]])
  const planOf = (token: string) =>
    planned({
      yaml: 'plugins: { outside: { config: { token: "${T}" } } }',
      env: { T: token },
      sources,
    })

  const [one, two] = [await planOf('first'), await planOf('second')]

  assert.not.instance((one.plugins[0]?.config as { token: unknown }).token, Secret)
  assert.is.not(one.hash, two.hash)
  assert.equal(configJsonSchema(config)['properties'], {
    token: { type: 'string', description: 'T', 'x-secret': true },
  })
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

test('a plugin that can do without the database does without its migrations', async () => {
  const keys = source({ name: 'keys', migrations: true, requires: may('db') })
  const sources = new Map([...known, ['keys', keys]])
  const alone = await planned({ yaml: 'plugins: { keys: true }', sources })
  const both = await planned({ yaml: 'plugins: { keys: true, database: true }', sources })

  assert.equal(alone.plugins[0]?.needs, [])
  assert.equal(both.plugins[1]?.needs, ['database'])
})

test('where no plugin that runs migrations is known, only who can do without a service may do without tables', async () => {
  const keys = source({ name: 'keys', migrations: true, requires: may('db') })
  const keeps = source({ name: 'keeps', migrations: true })
  const alone = (one: typeof keys) =>
    faultsOf({
      yaml: `plugins: { ${one.facts.name}: true }`,
      sources: new Map([[one.facts.name, one]]),
    })

  assert.equal(await alone(keys), [])
  assert.match((await alone(keeps)).join(), 'E_SLOT_EMPTY')
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

for (const [range, core, fits] of [
  ['^1', '1.0.0', true],
  ['^1', '1.9.3', true],
  ['^1', '2.0.0', false],
  ['^1.2', '1.1.9', false],
  ['^1', '1.4.0-rc.1', true],
  ['^2', '2.0.0-alpha.1', true],
  ['^1', '2.0.0-alpha.1', false],
  ['^1.4.0-rc.2', '1.4.0-rc.1', false],
  ['>=1 <3', '2.5.0', true],
] as const)
  test(`a plugin for cores ${range} ${fits ? 'runs' : 'does not run'} on ${core}`, () => {
    assert.is(fitsCore(range, core), fits)
  })

test.run()
