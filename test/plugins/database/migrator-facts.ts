import type { Test } from 'uvu'
import * as assert from 'uvu/assert'

import { migrationFolder, running } from './migration-folder.ts'
import { codeOf } from './started.ts'
import type { Started } from './started.ts'

const first = { '0001-create.js': running('create table acme_reports_things (a int)') }
const second = { '0002-fill.js': running('insert into acme_reports_things values (1), (2)') }

/** What holds for the migrator on PGlite and on Postgres alike. */
export function migratorFacts(
  test: Test,
  main: () => Started,
  another: (config: unknown) => Promise<Started>,
): void {
  const plugin = 'acme-reports'

  test('a plugin that never ran here is new, and all its migrations are pending', async () => {
    const state = await main().migrations.state(plugin, await migrationFolder(first))

    assert.equal(state, { applied: [], pending: ['0001-create'], isNew: true })
  })

  test('pending migrations are applied in the order of their names, once', async () => {
    const folder = await migrationFolder({ ...second, ...first })

    const applied = await main().migrations.up(plugin, folder)
    const again = await main().migrations.up(plugin, folder)

    assert.equal(applied, ['0001-create', '0002-fill'])
    assert.equal(again, [])
    assert.equal(await main().connections.knex('acme_reports_things').pluck('a'), [1, 2])
  })

  test('the table that notes them is named after the plugin', async () => {
    const names = await main().connections.knex('acme_reports_migrations').pluck('name')

    assert.equal(names, ['0001-create', '0002-fill'])
  })

  test('an older version refuses a database that a newer one wrote', async () => {
    const older = await migrationFolder(first)

    assert.is(await codeOf(main().migrations.state(plugin, older)), 'schema_newer')
    assert.is(await codeOf(main().migrations.up(plugin, older)), 'schema_newer')
  })

  test('a migration that fails leaves nothing behind, and those before it stay', async () => {
    const broken = running('create table broken_half (a int)', 'select nonsense')
    const folder = await migrationFolder({
      '0001-create.js': running('create table broken_whole (a int)'),
      '0002-break.js': broken,
    })

    const code = await codeOf(main().migrations.up('broken', folder))

    assert.is(code, 'migration_failed')
    const { knex } = main().connections
    assert.equal(await knex('broken_migrations').pluck('name'), ['0001-create'])
    assert.is(await knex.schema.hasTable('broken_half'), false)
    assert.is(main().migrations.pending, 1)
  })

  test('a module without up is named', async () => {
    const folder = await migrationFolder({ '0001-create.js': 'export const down = 1' })

    const refused = main().migrations.up('hollow', folder)

    assert.match(String(await refused.catch((error: unknown) => error)), '0001-create.js')
  })

  test("with migrate: never nothing runs but by the verb 'migrate up'", async () => {
    const never = await another({ migrate: 'never' })
    const folder = await migrationFolder({ '0001-create.js': running('select 1') })

    assert.is(await codeOf(never.migrations.up('strict', folder)), 'migration_refused')
    assert.equal(await never.migrations.apply('strict', folder), ['0001-create'])
    assert.equal(await never.migrations.up('strict', folder), [])
    await never.plugin.stop()
  })
}
