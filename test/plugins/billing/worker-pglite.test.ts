import { embedded } from './stage.ts'
import { workerSuite } from './worker-suite.ts'

await workerSuite(await embedded())
