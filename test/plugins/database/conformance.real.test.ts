import { conformance } from 'autodocops/testing'

import database from '../../../plugins/database/index.ts'
import { postgres } from '../../harness/postgres.ts'

const { url } = await postgres()

conformance(database, { config: { url }, metricPrefixes: ['db'] })
