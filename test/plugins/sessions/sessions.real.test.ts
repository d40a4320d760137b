import { testPlugin } from 'autodocops/testing'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

import redisPlugin from '../../../plugins/redis/index.ts'
import { redis, redisCluster } from '../../harness/redis.ts'
import { sessionPromises } from './promises.ts'
import type { Pair } from './promises.ts'
import { Browser, start } from './world.ts'

/** Two instances, each with connections of its own. */
async function pairOn(place: Readonly<Record<string, unknown>>): Promise<Pair> {
  const config = { commandTimeout: '20s', ...place }
  const [left, right] = await Promise.all([
    testPlugin(redisPlugin, { config }),
    testPlugin(redisPlugin, { config }),
  ])
  stops.push(
    () => left.stop(),
    () => right.stop(),
  )
  const [a, b] = await Promise.all([
    start({ redis: left.services.redis }),
    start({ redis: right.services.redis }),
  ])
  stops.unshift(
    () => a.stop(),
    () => b.stop(),
  )
  return { a, b }
}

const stops: (() => Promise<void>)[] = []
const single = await redis()
const cluster = await redisCluster()
const onRedis = await pairOn({ url: single.url, keyPrefix: single.prefix })
const onCluster = await pairOn({ nodes: cluster.nodes.map(({ host, port }) => `${host}:${port}`) })

test.after(async () => {
  for (const stop of stops) await stop()
  await cluster.stop()
})

sessionPromises(test, 'Redis', () => onRedis)
sessionPromises(test, 'Cluster', () => onCluster)

test.run()
void assert
void Browser
