import { redis } from '../../harness/redis.ts'
import { apartSuite } from './clocks.ts'
import { cacheSuite } from './conformance.ts'
import { instancesSuite } from './instances.ts'
import { openShared } from './rig.ts'

const { url, prefix } = await redis()
const place = { url, keyPrefix: prefix }

cacheSuite('a cache in front of one Redis', (options) => openShared({ ...options, redis: place }))
instancesSuite('instances on one Redis', (options) => openShared({ ...options, redis: place }))
apartSuite('clocks apart on one Redis', (options) => openShared({ ...options, redis: place }))
