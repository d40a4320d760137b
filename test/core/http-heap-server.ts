/** A server of its own process, whose heap can be filled: prints its URL, lives until it is killed. */
import process from 'node:process'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import * as z from 'zod'

import { any, open, route, serve } from './http-fixture.ts'

const heap: number[][] = []
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Of small arrays, so that no page of the heap has a rest that nothing fits in. */
function fill(bytes: number): void {
  collect()
  const missing = bytes - getHeapStatistics().used_heap_size
  for (let filled = 0; filled < missing; filled += 8_000)
    heap.push(Array.from({ length: 1_000 }, (_, index) => index + 0.5))
}

function free(): void {
  heap.length = 0
  collect()
}

const get = { ...open, method: 'GET', responses: any } as const
const never = () => new Promise(() => undefined)
const query = z.object({ bytes: z.coerce.number() })
const routes = [
  route({ ...get, path: '/wait', timeoutMs: 600_000, handler: never }),
  route({ ...get, path: '/quick', handler: () => 'quick' }),
  route({ ...get, path: '/vital', exempt: true, handler: () => 'vital' }),
  route({
    ...get,
    path: '/fill',
    exempt: true,
    query,
    handler: (_, { query: { bytes } }) => fill(bytes),
  }),
  route({ ...get, path: '/free', exempt: true, handler: free }),
]
const { url } = await serve({ routes, limits: { heapRatio: Number(process.argv[2]) } })
console.log(url)
