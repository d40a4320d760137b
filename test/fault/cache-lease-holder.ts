/**
 * A process that takes the lease of a key, says so, and ends its factory when it is spoken to: then it says what it
 * got. It is killed, or suspended.
 */
import process from 'node:process'

import { openShared } from '../plugins/cache/rig.ts'

const [url, hardMs] = process.argv.slice(2)
const { cache, stop } = await openShared({ redis: { url } })
const hangs = () => {
  console.log('held')
  return new Promise((resolve) => process.stdin.once('data', (text) => resolve(String(text))))
}
console.log(await cache.namespace('held').getOrSet('k', hangs, { hard: Number(hardMs) }))
stop()
process.exit()
