import { embedded } from './stage.ts'
import { eventWalkSuite } from './event-walk-suite.ts'

eventWalkSuite(await embedded())
