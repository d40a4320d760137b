import { postgres } from '../../harness/postgres.ts'
import { onPostgres } from './stage.ts'
import { eventWalkSuite } from './event-walk-suite.ts'

eventWalkSuite(await onPostgres((await postgres()).url))
