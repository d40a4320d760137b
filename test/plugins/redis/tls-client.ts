/** A process that trusts what its environment says (NODE_EXTRA_CA_CERTS): writes and reads one key, or tells why not. */
import process from 'node:process'

import { config } from '../../../plugins/redis/config.ts'
import { Connections } from '../../../plugins/redis/service.ts'
import { clock, random, Witness } from '../cache/rig.ts'

const { log, events } = new Witness()
const place = config.parse({ url: process.argv[2], connectTimeout: '5s', commandTimeout: '5s' })
const redis = new Connections({ log, events, clock, random, config: place })
const client = redis.connection('cache')
await new Promise((resolve) => client.once('ready', resolve).once('close', resolve))

const value = await client
  .set('k', 'over TLS')
  .then(() => client.get('k'))
  .catch(() => null)
console.log(JSON.stringify({ value, health: await redis.health() }))
redis.close()
