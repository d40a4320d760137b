import * as fc from 'fast-check'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import { Environment } from '../../core/manifest/environment.ts'
import { interpolate } from '../../core/manifest/interpolate.ts'
import type { Plan } from '../../core/plan.ts'
import { inFolder, planned, type Environment as Variables } from './manifest-fixture.ts'

const text = (template: string, env: Variables) =>
  interpolate(template, new Environment('/nowhere', env)).text

const table: readonly (readonly [template: string, env: Variables, result: string])[] = [
  ['plain', {}, 'plain'],
  ['${A}', { A: 'x' }, 'x'],
  ['${A}-${B}', { A: 'x', B: 'y' }, 'x-y'],
  ['${A:-y}', {}, 'y'],
  ['${A:-y}', { A: '' }, 'y'],
  ['${A:-y}', { A: 'x' }, 'x'],
  ['${A:-}', {}, ''],
  ['${A:-http://h:1/?a=b&c}', {}, 'http://h:1/?a=b&c'],
  ['${A:+y}', {}, ''],
  ['${A:+y}', { A: '' }, ''],
  ['${A:+y}', { A: 'x' }, 'y'],
  ['${A:?why}', { A: 'x' }, 'x'],
  ['$${A}', { A: 'x' }, '${A}'],
  ['$$${A}', { A: 'x' }, '$${A}'],
  ['$A $ {A} {A}', { A: 'x' }, '$A $ {A} {A}'],
  ['${A}', { A: '${B}', B: 'y' }, '${B}'],
  ['${A}', { A: '$&$1' }, '$&$1'],
]

for (const [template, env, result] of table) {
  test(`'${template}' with ${JSON.stringify(env)} is '${result}'`, () => {
    assert.is(text(template, env), result)
  })
}

test('a value comes out as it is, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (value) => {
      assert.is(text('<${A}>', { A: value }), `<${value}>`)
    }),
  )
})

test('a text whose every ${ is escaped comes out as it was', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const source = `${value.replaceAll('$', '_')}\${A}`

      assert.is(
        text(
          source.replaceAll('${', () => '$${'),
          { A: 'x' },
        ),
        source,
      )
    }),
  )
})

const database = (config: string) => `plugins: { database: { config: { ${config} } } }`
const firstConfig = ({ plugins }: Plan): Readonly<Record<string, unknown>> => {
  const [first] = plugins
  if (first === undefined) throw new Error('nothing is planned')
  return first.config as Readonly<Record<string, unknown>>
}
const configOf = async (config: string, env: Variables, files = {}) =>
  firstConfig(await planned({ yaml: database(config), env, files }))

test('an interpolated number fits where a number belongs, in block, flow and JSON style', async () => {
  const env = { DB_PORT: '6000' }
  const styles = [
    'plugins:\n  database:\n    config:\n      port: ${DB_PORT}\n',
    'plugins: { database: { config: { port: "${DB_PORT}" } } }',
    '{"plugins":{"database":{"config":{"port":"${DB_PORT}"}}}}',
  ]
  for (const yaml of styles) {
    assert.is(firstConfig(await planned({ yaml, env }))['port'], 6000, yaml)
  }
})

test('a numeric password and a numeric host stay text', async () => {
  const config = await configOf('password: "${P}", host: "${H}"', { P: '0123456', H: '127' })

  assert.is((config['password'] as { reveal: () => string }).reveal(), '0123456')
  assert.is(config['host'], '127')
})

test('booleans from the environment are read as people write them', async () => {
  for (const [written, read] of Object.entries({
    true: true,
    TRUE: true,
    1: true,
    on: true,
    no: false,
    0: false,
  })) {
    const made = await planned({
      yaml: 'plugins: { cache: { config: { compress: "${Z}" } } }',
      env: { Z: written },
    })

    assert.is(firstConfig(made)['compress'], read, written)
  }
})

test('an interpolation that comes out empty leaves the default', async () => {
  const config = await configOf('port: "${DB_PORT:-}", host: "${DB_HOST:-}"', { DB_PORT: '' })

  assert.is(config['port'], 5432)
  assert.not('host' in config)
})

test('an empty item of a list is left out', async () => {
  const made = await planned({
    yaml: 'plugins: { cache: { config: { tags: ["${A:-}", b, "${C:-}", "${D:-d}"] } } }',
  })

  assert.equal(firstConfig(made)['tags'], ['b', 'd'])
})

test('enabled is off when it comes out empty, and reads true, 1, on', async () => {
  for (const [value, on] of [
    [undefined, 0],
    ['', 0],
    ['redis', 1],
  ] as const) {
    const { plugins } = await planned({
      yaml: 'plugins: { cache: { enabled: "${REDIS_URL:+true}" } }',
      env: { REDIS_URL: value },
    })

    assert.is(plugins.length, on)
  }
})

test('a whole entry may be interpolated', async () => {
  const yaml = 'plugins: { cache: "${CACHE:-}" }'

  assert.is((await planned({ yaml })).plugins.length, 0)
  assert.is((await planned({ yaml, env: { CACHE: 'true' } })).plugins.length, 1)
})

test('the environment wins over .env, also with a file against a value', async () => {
  const files = { '.env': 'DB_HOST=dotenv\nDB_PASSWORD=dotenv-password\n', secret: 'from-file\n' }
  const env = { DB_HOST: 'environment', DB_PASSWORD_FILE: 'secret' }
  const config = await configOf('host: "${DB_HOST}", password: "${DB_PASSWORD}"', env, files)

  assert.is(config['host'], 'environment')
  assert.is((config['password'] as { reveal: () => string }).reveal(), 'from-file')
})

test('an empty variable of the environment does not hide the one in .env', async () => {
  const config = await configOf('host: "${DB_HOST}"', { DB_HOST: '' }, { '.env': 'DB_HOST=dotenv' })

  assert.is(config['host'], 'dotenv')
})

test('NAME_FILE keeps all but the last line end, and is found from the working directory', async () => {
  await inFolder({ secret: '  two\nlines\n\n' }, (cwd) => {
    const found = new Environment(cwd, { A_FILE: './secret' }).get('A')

    assert.equal(found, { value: '  two\nlines\n', origin: 'the file named by env A_FILE' })
  })
})

test('.env takes quotes, comments, export and a byte order mark', async () => {
  await inFolder({ '.env': '\uFEFFA="x y" # note\nexport B=\'z\'\n# C=1\n' }, (cwd) => {
    const environment = new Environment(cwd, {})

    assert.equal(
      ['A', 'B', 'C'].map((name) => environment.text(name)),
      ['x y', 'z', undefined],
    )
  })
})

test.run()
