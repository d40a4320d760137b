/** A process of C3: takes the lease of a key, says so, and never ends its factory. It is killed. */
import process from 'node:process'

import { openShared } from '../plugins/cache/rig.ts'

const [url, hardMs] = process.argv.slice(2)
const { cache } = await openShared({ redis: { url } })
const hangs = () => {
  console.log('held')
  return new Promise(() => setInterval(() => {}, 1_000))
}
await cache.namespace('held').getOrSet('k', hangs, { hard: Number(hardMs) })
