import { redisCluster } from '../../harness/redis.ts'
import { apartSuite } from './clocks.ts'
import { cacheSuite } from './conformance.ts'
import { instancesSuite } from './instances.ts'
import type { RigOptions } from './rig.ts'
import { openShared } from './rig.ts'

const cluster = await redisCluster()
const place = { nodes: cluster.nodes.map(({ host, port }) => `${host}:${port}`) }

cacheSuite('a cache in front of a Redis Cluster', (o) => openShared({ ...o, redis: place }))
const open = (o?: RigOptions) => openShared({ ...o, redis: place })
instancesSuite('instances on a Redis Cluster', open, 300)
apartSuite('clocks apart on a Redis Cluster', open)
