/**
 * A process that trusts what its environment says (NODE_EXTRA_CA_CERTS), with the config of its argument:
 * writes and reads a few keys and hears a message, or tells why not.
 */
import process from 'node:process'

import { config } from '../../../plugins/redis/config.ts'
import { Connections } from '../../../plugins/redis/service.ts'
import { clock, random, Witness } from '../cache/rig.ts'

const { log, events } = new Witness()
const deadlines = { connectTimeout: '5s', commandTimeout: '5s' }
const place = config.parse({ ...deadlines, ...(JSON.parse(process.argv[2] ?? '{}') as object) })
const redis = new Connections({ log, events, clock, random, config: place })
const client = redis.connection('cache')
await new Promise((resolve) => {
  for (const event of ['ready', 'error', 'close']) client.once(event, resolve)
})

/** Keys of many slots, so that a Cluster's every node is asked. */
async function writeAndRead(): Promise<string[]> {
  const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`)
  await Promise.all(keys.map((key) => client.set(key, 'over TLS')))
  const values = await Promise.all(keys.map((key) => client.get(key)))
  return [...new Set(values.map(String))]
}

async function hear(): Promise<string> {
  const subscriber = redis.subscriber('cache')
  const heard = new Promise<string>((resolve) =>
    subscriber.on('message', (_channel, text) => resolve(text)),
  )
  await subscriber.subscribe('channel')
  await client.publish('channel', 'heard over TLS')
  return heard
}

const told = await writeAndRead()
  .then(async (values) => [...values, await hear()])
  .catch(() => [])
console.log(JSON.stringify({ told, health: await redis.health() }))
redis.close()
