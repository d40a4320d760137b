import { cacheSuite } from './conformance.ts'
import { openCache } from './rig.ts'

cacheSuite('a cache in memory', (options) => Promise.resolve(openCache(options)))
