/** A process that writes to the embedded database until it is killed, and prints each number once it is acknowledged. */
import process from 'node:process'

import { started } from '../plugins/database/started.ts'

const [dataDir = ''] = process.argv.slice(2)
const { connections } = await started({ dataDir })
const { knex } = connections

await knex.raw('create table if not exists written (number int primary key, pair int not null)')
const [{ next }] = (await knex('written').max('number as next')) as [{ next: number | null }]
process.stdout.write('open\n')

for (let number = (next ?? 0) + 1; ; number++) {
  await knex.transaction(async (trx) => {
    await trx('written').insert({ number, pair: number })
    await trx('written').where({ number }).update({ pair: -number })
  })
  process.stdout.write(`${String(number)}\n`)
}
