import { postgres } from '../../harness/postgres.ts'
import { onPostgres } from './stage.ts'
import { workerSuite } from './worker-suite.ts'

await workerSuite(await onPostgres((await postgres()).url))
