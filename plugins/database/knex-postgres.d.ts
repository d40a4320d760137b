/** knex has no types for its dialects; `knex.Client` is what they extend. */
declare module 'knex/lib/dialects/postgres/index.js' {
  import type { Knex } from 'knex'
  import type { Client } from 'pg'

  export default class PostgresClient extends Knex.Client {
    query(connection: Client, query: unknown): Promise<unknown>
    validateConnection(connection: Client): boolean | Promise<boolean>
  }
}
