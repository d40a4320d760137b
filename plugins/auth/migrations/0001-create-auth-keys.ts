import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('auth_keys', (table) => {
    table.text('id').primary()
    table.text('owner').notNullable()
    table.text('name').notNullable()
    // SHA-256 of 32 random bytes: nothing to guess, so no slow hash is needed.
    table.text('hash').notNullable()
    table.text('scope').notNullable()
    table.timestamp('created_at', { useTz: true }).notNullable()
    table.timestamp('expires_at', { useTz: true })
    table.timestamp('last_used_at', { useTz: true })
    table.timestamp('revoked_at', { useTz: true })
    table.index(['owner', 'id'])
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('auth_keys')
}
